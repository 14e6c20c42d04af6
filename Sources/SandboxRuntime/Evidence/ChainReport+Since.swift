extension ChainReport {
    /// Says what is wrong where the record that had to be in the chain is not in it; to be asked at the end.
    ///
    /// - Parameter isCheckpointSigned: whether the checkpoint of what was before the first line has a right signature of its own.
    mutating func judgeSince(isCheckpointSigned: Bool) {
        guard let since, !isSinceFound else { return }
        // It was the last one that `gc` removed: the first line that is left links to it.
        if let checkpoint,
            since == ChainCheckpoint(sequence: checkpoint.removedSequence, digest: checkpoint.removedDigest)
        {
            // Any line can name a head that its writer has seen, and link to it.
            if isCheckpointSigned {
                isSinceFound = true
                isSinceRemoved = true
                return
            }
            add(
                Problem(
                    what:
                        "record \(since) is not in the chain: a checkpoint says that `codex-sandbox gc` removed it, and "
                        + "has no valid signature of its own, so whoever can write the file may have made it up"
                )
            )
            return
        }
        if let checkpoint, since.sequence < checkpoint.removedSequence {
            add(
                Problem(
                    what:
                        "record \(since) is not in the chain: `codex-sandbox gc` removed all up to record "
                        + "\(checkpoint.removedSequence), says a checkpoint, and what they were nobody can say"
                )
            )
            return
        }
        let has = head.map { "whose head is \($0)" } ?? "which is empty"
        add(
            Problem(
                what:
                    "record \(since) is not in the chain, \(has): records were removed or changed, or it is of another file"
            )
        )
    }
}
