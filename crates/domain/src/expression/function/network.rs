//! Functions on address ranges in CIDR notation (RFC 4632, section 3.1, and RFC 4291, section 2.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Outcome, Refusal, integer_of, text_of};
use crate::value::Value;

/// A range of addresses: the network's bits as a number of `width` bits, the first `length` of them fixed.
struct Range {
    bits: u128,
    length: u32,
    width: u32,
}

impl Range {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::from("the string is not an address range such as `10.0.0.0/16`");
        let (address, length) = text.split_once('/').ok_or_else(wrong)?;
        let (bits, width) = match address.parse().map_err(|_| wrong())? {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        };
        let length = length.parse().ok().filter(|length| *length <= width).ok_or_else(wrong)?;
        let range = Self { bits, length, width };
        Ok(Self { bits: bits & !range.host_mask(), ..range })
    }

    /// The bits that are free in the range.
    fn host_mask(&self) -> u128 {
        1u128.checked_shl(self.width - self.length).map_or(u128::MAX, |over| over - 1)
    }

    fn address(&self, bits: u128) -> IpAddr {
        match u32::try_from(bits) {
            Ok(bits) if self.width == 32 => Ipv4Addr::from_bits(bits).into(),
            _ => Ipv6Addr::from_bits(bits).into(),
        }
    }
}

/// `cidrsubnet(prefix, newbits, netnum)`.
pub(super) fn cidrsubnet(arguments: &[Value]) -> Outcome {
    let range = Range::parse(&text_of(&arguments[0])?)?;
    let (new_bits, number) = (integer_of(&arguments[1])?, integer_of(&arguments[2])?);
    let free = range.width - range.length;
    let new_bits = u32::try_from(new_bits).ok().filter(|bits| *bits <= free);
    let new_bits = new_bits.ok_or("the range has fewer free bits")?;
    let number = u128::try_from(number).ok().filter(|number| new_bits == 128 || *number >> new_bits == 0);
    let number = number.ok_or("so many bits do not hold the network number")?;
    let length = range.length + new_bits;
    let bits = range.bits | number.checked_shl(range.width - length).unwrap_or(0);
    Ok(Value::String(format!("{}/{length}", range.address(bits))))
}

/// `cidrhost(prefix, hostnum)`; a negative number counts from the end of the range.
pub(super) fn cidrhost(arguments: &[Value]) -> Outcome {
    let range = Range::parse(&text_of(&arguments[0])?)?;
    let number = integer_of(&arguments[1])?;
    let distance = if number < 0 { number.unsigned_abs() - 1 } else { number.unsigned_abs() };
    if distance > range.host_mask() {
        return Err("the range has no such host".into());
    }
    let host = if number < 0 { range.host_mask() - distance } else { distance };
    Ok(Value::String(range.address(range.bits | host).to_string()))
}
