//! The C interface: the suite against `gateway.c`, and what only C can get wrong.

mod examples;
mod framing;
mod held;
mod interface;
mod programs;
mod signatures;

mod suite {
    smallgate_tests::suite!(smallgate_tests::c_gateway::CGateway, without devices);
}
