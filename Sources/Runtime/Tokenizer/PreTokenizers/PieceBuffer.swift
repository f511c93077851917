/// A stretch of normalized text and the pieces it has been cut into so far.
struct PieceBuffer {
    /// Valid UTF-8.
    var text: [UInt8]
    /// Non-empty ranges of `text`, in order; what lies between them has been removed.
    var pieces: [Range<Int>]
    /// Whether the first byte of `text` stands at the very beginning of what is encoded.
    var beginsInput: Bool

    init(text: [UInt8], beginsInput: Bool) {
        self.text = text
        self.pieces = text.isEmpty ? [] : [0..<text.count]
        self.beginsInput = beginsInput
    }

    /// Cuts every piece into smaller ones; `cut` appends them for one piece.
    mutating func split(
        _ cut: (_ text: UnsafeBufferPointer<UInt8>, _ piece: Range<Int>, inout [Range<Int>]) -> Void
    ) {
        var cuts: [Range<Int>] = []
        cuts.reserveCapacity(max(pieces.count, text.count / 4))
        text.withUnsafeBufferPointer { text in
            for piece in pieces { cut(text, piece, &cuts) }
        }
        pieces = cuts
    }

    /// Writes every piece anew; `write` appends the new text of one piece.
    mutating func rewrite(
        _ write: (_ piece: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, inout [UInt8]) -> Void
    ) {
        var output: [UInt8] = []
        output.reserveCapacity(text.count + text.count / 4 + 16)
        text.withUnsafeBufferPointer { text in
            for index in pieces.indices {
                let range = pieces[index]
                let start = output.count
                write(UnsafeBufferPointer(rebasing: text[range]), range, &output)
                pieces[index] = start..<output.count
            }
        }
        text = output
    }
}
