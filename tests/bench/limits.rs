//! What is asked of the ratios.

use smallgate_turns::table::Limit;

/// Each of our cases beside its peers' of the same operation.
pub(crate) const OURS: &[(&str, &str)] = &[
    ("HS256 verify", "HS256 verify"),
    ("HS256 issue", "HS256 issue"),
    ("ES256 verify, assembly", "ES256 verify"),
    ("ES256 issue, assembly", "ES256 issue"),
    ("ES256 verify, pure Rust", "ES256 verify"),
    ("ES256 issue, pure Rust", "ES256 issue"),
    ("form parse", "form parse"),
];

pub(crate) const LIMITS: &[Limit] = &[
    Limit {
        name: "HS256 verify, of jsonwebtoken's better backend",
        ours: "HS256 verify",
        peers: &[
            "HS256 verify, jsonwebtoken rust_crypto",
            "HS256 verify, jsonwebtoken aws_lc_rs",
        ],
        at_most: 0.30,
        stretch: 0.22,
    },
    Limit {
        name: "HS256 issue, of jsonwebtoken rust_crypto",
        ours: "HS256 issue",
        peers: &["HS256 issue, jsonwebtoken rust_crypto"],
        at_most: 0.55,
        stretch: 0.45,
    },
    Limit {
        name: "ES256 verify, assembly, of jsonwebtoken aws_lc_rs",
        ours: "ES256 verify, assembly",
        peers: &["ES256 verify, jsonwebtoken aws_lc_rs"],
        at_most: 1.00,
        stretch: 0.95,
    },
    Limit {
        name: "ES256 issue, assembly, of jsonwebtoken aws_lc_rs",
        ours: "ES256 issue, assembly",
        peers: &["ES256 issue, jsonwebtoken aws_lc_rs"],
        at_most: 0.70,
        stretch: 0.65,
    },
    Limit {
        name: "ES256 verify, pure Rust, of jwt-simple",
        ours: "ES256 verify, pure Rust",
        peers: &["ES256 verify, jwt-simple"],
        at_most: 1.00,
        stretch: 0.95,
    },
    Limit {
        name: "ES256 issue, pure Rust, of jwt-simple",
        ours: "ES256 issue, pure Rust",
        peers: &["ES256 issue, jwt-simple"],
        at_most: 1.00,
        stretch: 0.95,
    },
    Limit {
        name: "form parse, of the best peer",
        ours: "form parse",
        peers: &[
            "form parse, form_urlencoded",
            "form parse, serde_urlencoded",
            "form parse, serde_html_form",
        ],
        at_most: 0.35,
        stretch: 0.27,
    },
    Limit {
        name: "the same token again, of a first ES256 verify",
        ours: "ES256 again, assembly",
        peers: &["ES256 verify, assembly"],
        at_most: 0.10,
        stretch: 0.02,
    },
];
