//! Which addresses may reach the public endpoint of a cluster (Amazon EKS API,
//! `VpcConfigResponse.publicAccessCidrs`).

use std::net::Ipv4Addr;

/// Whether the ranges cover every IPv4 address, so that none needs to be added. Lambda functions
/// connect over IPv4; anything that is not an IPv4 range allows nothing.
pub(super) fn allows_every_address(ranges: &[String]) -> bool {
    let mut ranges: Vec<(u32, u32)> = ranges.iter().filter_map(|range| first_and_last(range)).collect();
    ranges.sort_unstable();
    // The first address that none of the ranges so far covers.
    let mut next = Some(0);
    for (first, last) in ranges {
        match next {
            Some(missing) if first <= missing => next = last.checked_add(1).map(|after| after.max(missing)),
            _ => break,
        }
    }
    next.is_none()
}

fn first_and_last(range: &str) -> Option<(u32, u32)> {
    let (address, length) = range.trim().split_once('/')?;
    let (address, length): (Ipv4Addr, u32) = (address.parse().ok()?, length.parse().ok()?);
    let rest = u32::MAX.checked_shr(length).unwrap_or(0);
    let first = u32::from(address) & !rest;
    (length <= 32).then_some((first, first | rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ranges_that_cover_all_of_ipv4_allow_every_address() {
        for (ranges, every) in [
            (&["0.0.0.0/0"][..], true),
            (&["198.51.100.0/24", "0.0.0.0/0"], true),
            (&["128.0.0.0/1", "0.0.0.0/1"], true),
            (&["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2"], true),
            (&["0.0.0.0/1", "10.0.0.0/8", "128.0.0.0/1"], true),
            (&["0.0.0.0/1", "192.0.0.0/2"], false),
            (&["0.0.0.0/1", "128.0.0.0/2"], false),
            (&["198.51.100.0/24"], false),
            (&["255.255.255.255/32"], false),
            (&["::/0"], false),
            (&["0.0.0.0/33", "0.0.0.0", "x/0"], false),
            (&[], false),
        ] {
            let ranges: Vec<String> = ranges.iter().map(|range| (*range).to_owned()).collect();
            assert_eq!(allows_every_address(&ranges), every, "{ranges:?}");
        }
    }
}
