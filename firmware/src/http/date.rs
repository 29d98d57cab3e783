//! `Date`, without a formatter.

use smallgate_core::time::UnixTime;

const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTHS: [(&[u8; 3], u32); 12] = [
    (b"Jan", 31),
    (b"Feb", 28),
    (b"Mar", 31),
    (b"Apr", 30),
    (b"May", 31),
    (b"Jun", 30),
    (b"Jul", 31),
    (b"Aug", 31),
    (b"Sep", 30),
    (b"Oct", 31),
    (b"Nov", 30),
    (b"Dec", 31),
];

/// `time` as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7). Times after the
/// year 9999 count as its last second.
#[must_use]
pub fn imf_fixdate(time: UnixTime) -> [u8; 29] {
    let time = time.0.min(UnixTime::LAST.0);
    // A day is 675 times 128 seconds, and the last time has 38 bits: so there is
    // no division of 64 bits, which a board has no instruction for.
    let days = u32::try_from(time >> 7).unwrap_or(u32::MAX) / 675;
    let second = time.wrapping_sub(u64::from(days).wrapping_mul(86_400));
    let second = u32::try_from(second).unwrap_or(0);
    let (year, mut day) = year_and_day(days);
    let mut name = *b"Dec";
    for (month, length) in MONTHS {
        let length = length + u32::from(month == b"Feb" && is_leap(year));
        if day < length {
            name = *month;
            break;
        }
        day -= length;
    }
    let weekday = DAYS.get(days as usize % 7).copied().unwrap_or(b"Thu");
    let [d, e] = two_digits(day + 1);
    let ([c, t], [y, z]) = (two_digits(year / 100), two_digits(year % 100));
    let [h, i] = two_digits(second / 3600);
    let [m, n] = two_digits(second / 60 % 60);
    let [s, r] = two_digits(second % 60);
    let [w, x, v] = *weekday;
    let [a, b, f] = name;
    [
        w, x, v, b',', b' ', d, e, b' ', a, b, f, b' ', c, t, y, z, b' ', h, i, b':', m, n, b':',
        s, r, b' ', b'G', b'M', b'T',
    ]
}

/// The year, and the day in it from 0, of a day since 1970.
fn year_and_day(days: u32) -> (u32, u32) {
    // 400 years have 146,097 days, and 1600 begins such a span.
    let (mut year, mut day) = (1600, days + 135_140);
    year += day / 146_097 * 400;
    day %= 146_097;
    loop {
        let length = 365 + u32::from(is_leap(year));
        if day < length {
            return (year, day);
        }
        day -= length;
        year += 1;
    }
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn two_digits(number: u32) -> [u8; 2] {
    let digit = |number: u32| b'0' + u8::try_from(number % 10).unwrap_or(0);
    [digit(number / 10), digit(number)]
}
