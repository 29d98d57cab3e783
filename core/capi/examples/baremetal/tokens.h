/*
 * One token in both algorithms, as the Rust images have it: made by another
 * implementation (pyca/cryptography, with RFC 6979's key).
 */
#ifndef TOKENS_H
#define TOKENS_H

#define NOW 1767225600u
#define ISSUER "https://as.example"
#define AUDIENCE "https://api.example"
#define CLIENT "thermostat-0007"

/* 32 octets from 64 upwards. */
#define HS256_KEY "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"
#define HS256_KEY_ID "2026-01"

#define ES256_PUBLIC                                                  \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"DOvxvJiAdIqVWIkFt5hDtCunXLF0BV4-JGv4f-ALSm0\","       \
    "\"x\":\"YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y\","          \
    "\"y\":\"eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk\""

/* 369 octets. */
static const char HS256[] =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjIwMjYtMDEifQ.eyJpc3MiOiJodHRwczovL2FzL"
    "mV4YW1wbGUiLCJzdWIiOiJ0aGVybW9zdGF0LTAwMDciLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlIiwiY2xpZ"
    "W50X2lkIjoidGhlcm1vc3RhdC0wMDA3Iiwic2NvcGUiOiJyZWFkIHdyaXRlIiwiaWF0IjoxNzY3MjI1NjAwLCJle"
    "HAiOjE3NjcyMjkyMDAsImp0aSI6ImdRSURCQVVHQndnSkNnc01EUTRQRUEifQ.5sasbF_CTZYdWmrVI8kMwe6die"
    "VWhMOHq6_HthqCcII";

/* 460 octets. */
static const char ES256[] =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IkRPdnh2SmlBZElxVldJa0Z0NWhEdEN1blhMRjBC"
    "VjQtSkd2NGYtQUxTbTAifQ.eyJpc3MiOiJodHRwczovL2FzLmV4YW1wbGUiLCJzdWIiOiJ0aGVybW9zdGF0LTAwM"
    "DciLCJhdWQiOiJodHRwczovL2FwaS5leGFtcGxlIiwiY2xpZW50X2lkIjoidGhlcm1vc3RhdC0wMDA3Iiwic2Nvc"
    "GUiOiJyZWFkIHdyaXRlIiwiaWF0IjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjkyMDAsImp0aSI6ImdRSURCQVVHQ"
    "ndnSkNnc01EUTRQRUEifQ.gsaKQEmDJdi5CoGW9OtogS387s5cZV2CXAaKTx6-D4tBl_VMAQgRSQka6H_awn6z1m"
    "u_juVwDPGW-r1qqWSf7w";

#endif
