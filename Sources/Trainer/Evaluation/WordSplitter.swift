/// The words ROUGE counts, as LLaMA-Factory splits them: jieba's cut of the text, read by
/// rouge_chinese.
///
/// ASCII letters and digits hold together, so does `3.14` and `50%`; every other character that is
/// not white space is a word. What jieba needs its dictionary for, Chinese words, stays one
/// character each here.
struct WordSplitter {
    private var words: [[UInt8]] = []
    /// Adjacent characters of the kind that jieba looks at together.
    private var run: [Unicode.Scalar] = []
    private var lineIsEmpty = true
    private var lineHasSpace = false
    /// Lines of nothing but space count as an empty word each, if a word comes after them.
    private var emptyLines = 0

    static func words(_ text: String) -> [[UInt8]] {
        var splitter = WordSplitter()
        var before: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            // jieba takes `\r\n` for one token.
            if before == "\r", scalar == "\n" { splitter.lineHasSpace = true }
            splitter.take(scalar)
            before = scalar
        }
        splitter.endRun()
        return splitter.words
    }

    private mutating func take(_ scalar: Unicode.Scalar) {
        if isASCIIWord(scalar) || "+#&._%-".unicodeScalars.contains(scalar) {
            run.append(scalar)
            return
        }
        endRun()
        if scalar == "\n" {
            endLine()
        } else if scalar.properties.isWhitespace {
            lineHasSpace = true
        } else {
            add([scalar])
            // rouge_chinese begins a line after these, which shows where one of space follows.
            if "。！？?".unicodeScalars.contains(scalar) { endLine() }
        }
    }

    private mutating func add(_ word: some Sequence<Unicode.Scalar>) {
        words += Array(repeating: [], count: emptyLines)
        emptyLines = 0
        words.append(word.flatMap { Array(String($0).utf8) })
        lineIsEmpty = false
    }

    private mutating func endLine() {
        let isFirst = words.isEmpty && emptyLines == 0
        if lineIsEmpty, !isFirst || lineHasSpace { emptyLines += 1 }
        lineIsEmpty = true
        lineHasSpace = false
    }

    /// Cuts a run at the words of jieba's dictionary, and what is left at numbers and words.
    private mutating func endRun() {
        var piece: [Unicode.Scalar] = []
        var rest = run[...]
        run.removeAll()
        while let first = rest.first {
            if let known = Self.dictionary.first(where: { rest.starts(with: $0) }) {
                cut(piece)
                piece.removeAll()
                add(known)
                rest = rest.dropFirst(known.count)
            } else {
                piece.append(first)
                rest = rest.dropFirst()
            }
        }
        cut(piece)
    }

    /// `[a-zA-Z0-9]+(\.\d+)?%?`, and whatever lies between.
    private mutating func cut(_ piece: [Unicode.Scalar]) {
        var index = 0
        while index < piece.count {
            let start = index
            if isASCIIWord(piece[index]) {
                index = end(of: piece, from: index, while: isASCIIWord)
                if index + 1 < piece.count, piece[index] == ".", isDigit(piece[index + 1]) {
                    index = end(of: piece, from: index + 1, while: isDigit)
                }
                if index < piece.count, piece[index] == "%" { index += 1 }
            } else {
                index = end(of: piece, from: index) { !isASCIIWord($0) }
            }
            add(piece[start..<index])
        }
    }

    private func end(
        of piece: [Unicode.Scalar],
        from start: Int,
        while belongs: (Unicode.Scalar) -> Bool
    ) -> Int {
        piece[start...].firstIndex { !belongs($0) } ?? piece.count
    }

    private func isASCIIWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": true
        default: false
        }
    }

    private func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    /// The words of jieba's dictionary that are not Chinese.
    private static let dictionary = ["AT&T", "C++", "c++", "C#", "c#"].map {
        Array($0.unicodeScalars)
    }
}
