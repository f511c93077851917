import Glibc

/// The bytes of a file from front to back, decompressed where its first bytes say gzip or Zstandard.
final class SourceFile {
    private let file: UnsafeMutablePointer<FILE>
    private let decompressor: (any Decompressor)?
    private var input = [UInt8](repeating: 0, count: 1 << 16)
    private var available = 0..<0
    private var (taken, given) = (0, 0)
    private let allowance: Int

    /// Text rarely shrinks to less than a twentieth; what claims to be far larger is refused before it
    /// takes the time of everything else.
    private static let largestRatio = 100
    private static let largestSize = 16 << 30

    /// - Parameter allowance: Bytes that may come whatever the ratio.
    init(path: String, allowance: Int = 64 << 20) throws(TrainingFileError) {
        guard let file = fopen(path, "rb") else {
            let reason = String(cString: strerror(errno))
            throw TrainingFileError(line: nil, reason: "the file cannot be read: \(reason)")
        }
        self.file = file
        self.allowance = allowance
        let filled = fread(&input, 1, input.count, file)
        available = 0..<filled
        switch input.prefix(4) {
        case [0x28, 0xB5, 0x2F, 0xFD]: decompressor = ZstdDecompressor()
        case let start where start.prefix(2) == [0x1F, 0x8B]: decompressor = GzipDecompressor()
        default: decompressor = nil
        }
    }

    deinit { fclose(file) }

    /// Fills `chunk` as far as there are bytes at once; returns how many, 0 at the end.
    func read(into chunk: inout [UInt8], line: Int) throws(TrainingFileError) -> Int {
        func fail(_ reason: String) -> TrainingFileError {
            TrainingFileError(line: line, reason: reason)
        }
        while true {
            if available.isEmpty {
                let filled = fread(&input, 1, input.count, file)
                guard filled > 0 || ferror(file) == 0 else {
                    throw fail("the file cannot be read further")
                }
                available = 0..<filled
            }
            guard let decompressor else {
                let count = min(available.count, chunk.count)
                chunk.replaceSubrange(..<count, with: input[available.prefix(count)])
                available = (available.lowerBound + count)..<available.upperBound
                return count
            }
            let part = input[available]
            let step = part.withUnsafeBytes { input in
                chunk.withUnsafeMutableBytes { decompressor.step(input, $0) }
            }
            guard let step else { throw fail("the compressed data are damaged") }
            available = (available.lowerBound + step.taken)..<available.upperBound
            taken += step.taken
            given += step.given
            guard given <= max(allowance, min(taken * Self.largestRatio, Self.largestSize)) else {
                throw fail("the data are more than \(Self.largestRatio) times the file")
            }
            if step.given > 0 { return step.given }
            guard part.isEmpty || step.taken == 0 else { continue }
            guard decompressor.isWhole else { throw fail("the compressed data end too early") }
            if part.isEmpty { return 0 }
            throw fail("the compressed data are followed by something else")
        }
    }
}
