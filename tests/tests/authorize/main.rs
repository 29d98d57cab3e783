//! The authorization endpoint (R43–R47): what is redirected and what is shown,
//! and the form that nobody can forge.

mod form;
mod html;
mod request;
