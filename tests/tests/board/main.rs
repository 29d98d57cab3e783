//! The suite against the firmware on the emulated board, and what a board has
//! to stand besides.

mod abuse;
mod beside;
mod faults;
mod images;
mod load;
mod run;
mod state;
mod time;
mod watchdog;

use smallgate_tests::board::Board;
use smallgate_tests::host::Host;
use smallgate_tests::machine::Line;
use smallgate_tests::suite::setups::{DEVICES, standard};

smallgate_tests::suite!(smallgate_tests::board::Board);

/// A board of profile `standard`, with devices.
fn board() -> Board {
    Board::start(&standard().tables(DEVICES).whole())
}

/// The board is the one that was started, complains of nothing, and has stack
/// left.
fn assert_unharmed(board: &Board) {
    let lines = board.machine().log().expect("a log");
    let starts = lines
        .iter()
        .filter(|line| line.message.contains("listening"));
    assert_eq!(starts.count(), 1, "it started once: {lines:?}");
    let complaints: Vec<&Line> = lines.iter().filter(|line| line.level == "ERROR").collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    let stack = board.machine().stack().expect("a stack");
    assert!(stack.untouched > 0, "{stack:?}");
}
