//! A stored snapshot of EKS clusters, read cluster by cluster.

use std::collections::HashMap;
use std::io::{self, BufReader};
use std::ops::Range;

use flate2::bufread::GzDecoder;

use super::reader::cut;
use super::{BadSnapshot, SnapshotLine, SnapshotReader};
use crate::evidence::inventory::ClusterEntry;
use crate::model::cluster::ClusterName;
use jiff::Timestamp;

/// A snapshot held in memory in its stored, compressed form. Each EKS cluster is a piece that is
/// read when needed, so that only one cluster at a time is decompressed.
#[derive(Debug)]
pub struct SnapshotPieces {
    bytes: Vec<u8>,
    samples: Vec<Timestamp>,
    clusters: Vec<(ClusterName, ClusterEntry)>,
    pieces: HashMap<ClusterName, Range<usize>>,
}

impl SnapshotPieces {
    /// Finds the pieces. Decompresses everything once to verify the checksums; a snapshot without
    /// its end is an error.
    pub fn new(bytes: Vec<u8>) -> Result<Self, BadSnapshot> {
        let (mut head, mut pieces) = (None, HashMap::new());
        let (mut begin, mut ended) = (0, false);
        while begin < bytes.len() {
            let (opening, length) = open(&bytes[begin..])?;
            let range = begin..begin + length;
            match opening {
                Opening::Head(samples, clusters) => head = Some((samples, clusters)),
                Opening::Piece(cluster) => drop(pieces.insert(cluster, range.clone())),
                Opening::End => ended = true,
                Opening::Other => {}
            }
            begin = range.end;
        }
        let (samples, clusters) = head.filter(|_| ended).ok_or_else(|| cut(0))?;
        Ok(Self { bytes, samples, clusters, pieces })
    }

    /// When its samples were taken, oldest first.
    pub fn samples(&self) -> &[Timestamp] {
        &self.samples
    }

    /// The clusters that were checked.
    pub fn clusters(&self) -> &[(ClusterName, ClusterEntry)] {
        &self.clusters
    }

    /// The lines of one EKS cluster: samples, the cluster, workloads, pods. Empty for a cluster
    /// that was not checked.
    pub fn lines_of(
        &self,
        cluster: &ClusterName,
    ) -> impl Iterator<Item = Result<SnapshotLine, BadSnapshot>> + use<'_> {
        let range = self.pieces.get(cluster).cloned();
        range.into_iter().flat_map(|range| SnapshotReader::piece(&self.bytes[range]))
    }
}

/// The kind of a gzip member, by its first line.
enum Opening {
    Head(Vec<Timestamp>, Vec<(ClusterName, ClusterEntry)>),
    Piece(ClusterName),
    End,
    Other,
}

/// Reads the first gzip member. Returns its kind and length.
fn open(bytes: &[u8]) -> Result<(Opening, usize), BadSnapshot> {
    let mut text = BufReader::new(GzDecoder::new(bytes));
    let mut lines = SnapshotReader::part(&mut text);
    let opening = match lines.next().transpose()? {
        Some(SnapshotLine::Run(begin)) => {
            let mut clusters = Vec::new();
            while let Some(SnapshotLine::Cluster(cluster, entry)) = lines.next().transpose()? {
                clusters.push((cluster, entry));
            }
            Opening::Head(begin.samples, clusters)
        }
        Some(SnapshotLine::Series(query, _)) => {
            let cluster = query.metric.dimensions.get("ClusterName").and_then(|name| name.parse().ok());
            cluster.map_or(Opening::Other, Opening::Piece)
        }
        Some(SnapshotLine::End(_)) => Opening::End,
        _ => Opening::Other,
    };
    io::copy(&mut text, &mut io::sink())?;
    Ok((opening, bytes.len() - text.into_inner().into_inner().len()))
}
