/// The best way to reach a place in a pre-token.
struct UnigramNode {
    var score = 0.0
    /// Where the last piece begins; -1 where the place has not been reached.
    var start: Int32 = -1
    var id: Int32 = -1
}

/// SentencePiece's unigram model: the segmentation whose pieces have the highest sum of scores.
final class UnigramModel: TokenModel {
    let vocabulary: Vocabulary
    private let scores: [Double]
    private let trie: ByteTrie
    private let unknown: Int32?
    private let unknownScore: Double
    private let fallback: ByteFallback?

    /// An unknown character costs this much more than the rarest piece.
    private static let unknownPenalty = 10.0

    /// Reads a model of type `Unigram`.
    init(_ section: TokenizerSection) throws(TokenizerError) {
        var tokens: [(text: String, id: Int)] = []
        var scores: [Double] = []
        for (id, piece) in try section.array("vocab").enumerated() {
            guard let pair = piece.array, pair.count == 2, let text = pair[0].string,
                let score = pair[1].double, score.isFinite
            else { throw section.invalid("vocab[\(id)]", "expected a piece and its score") }
            tokens.append((text: text, id: id))
            scores.append(score)
        }
        vocabulary = try Vocabulary(tokens, field: "model.vocab")
        self.scores = scores
        var trie = ByteTrie()
        for token in tokens where !token.text.isEmpty {
            trie.insert(token.text.utf8, value: Int32(token.id))
        }
        self.trie = trie
        unknown = try section["unk_id"].map { _ throws(TokenizerError) in
            let id = try section.int("unk_id", default: -1)
            guard scores.indices.contains(id) else {
                throw section.invalid("unk_id", "\(id) is not in the vocabulary")
            }
            return Int32(id)
        }
        unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
        fallback =
            try section.bool("byte_fallback", default: false) ? ByteFallback(vocabulary) : nil
    }

    func encode(
        _ piece: UnsafeBufferPointer<UInt8>,
        into ids: inout [Int32],
        workspace: inout ModelWorkspace
    ) {
        let hash = ByteHash.hash(piece)
        if workspace.cache.append(piece, hash: hash, to: &ids) { return }
        let start = ids.count
        let best = fillLattice(piece, &workspace.lattice)
        appendPath(piece, best, &workspace.lattice, to: &ids)
        workspace.cache.insert(piece, hash: hash, ids: ids[start...])
    }

    /// Finds the best way to every place of the piece; returns the number of nodes.
    private func fillLattice(_ piece: UnsafeBufferPointer<UInt8>, _ lattice: inout [UnigramNode])
        -> Int
    {
        lattice.removeAll(keepingCapacity: true)
        lattice.append(contentsOf: repeatElement(UnigramNode(), count: piece.count + 1))
        lattice.withUnsafeMutableBufferPointer { nodes in
            var start = 0
            while start < piece.count {
                let length = UTF8Scan.scalar(piece, at: start).length
                let score = nodes[start].score
                var hasSingle = false
                var node: Int32 = 0
                var end = start
                while end < piece.count {
                    node = trie.step(from: node, by: piece[end])
                    if node < 0 { break }
                    end &+= 1
                    let id = trie.value(at: node)
                    guard id >= 0 else { continue }
                    Self.offer(score + scores[Int(id)], id, from: start, to: &nodes[end])
                    if end &- start == length { hasSingle = true }
                }
                if !hasSingle {
                    // -1: no piece, whether or not there is a token for that.
                    let target = start + length
                    Self.offer(score + unknownScore, unknown ?? -1, from: start, to: &nodes[target])
                }
                start += length
            }
        }
        return piece.count
    }

    @inline(__always)
    private static func offer(
        _ score: Double,
        _ id: Int32,
        from start: Int,
        to node: inout UnigramNode
    ) {
        if node.start < 0 || score > node.score {
            node = UnigramNode(score: score, start: Int32(truncatingIfNeeded: start), id: id)
        }
    }

    /// Walks back from the end, joins neighbouring unknown characters and appends the ids.
    private func appendPath(
        _ piece: UnsafeBufferPointer<UInt8>,
        _ end: Int,
        _ lattice: inout [UnigramNode],
        to ids: inout [Int32]
    ) {
        var path: [Range<Int>] = []
        var pathIDs: [Int32] = []
        var end = end
        while end > 0 {
            let node = lattice[end]
            let start = Int(node.start)
            guard start >= 0, start < end else { break }
            if node.id == unknown ?? -1, pathIDs.last == node.id, let last = path.popLast() {
                path.append(start..<last.upperBound)
            } else {
                path.append(start..<end)
                pathIDs.append(node.id)
            }
            end = start
        }
        for (range, id) in zip(path, pathIDs).reversed() {
            guard id == unknown ?? -1 else {
                ids.append(id)
                continue
            }
            let text = UnsafeBufferPointer(rebasing: piece[range])
            // Neighbours can spell a piece that is in the vocabulary when they are joined.
            let known = vocabulary.id(of: text)
            if known >= 0 {
                ids.append(known)
            } else if let fallback, fallback.append(text, to: &ids) {
                continue
            } else if let unknown {
                ids.append(unknown)
            }
        }
    }
}
