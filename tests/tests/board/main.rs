//! The suite against the firmware on the emulated board, and what a board has
//! to stand besides.

smallgate_tests::suite!(smallgate_tests::board::Board);
