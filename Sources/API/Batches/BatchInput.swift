import Glibc
import InferenceRuntime
import Storage

/// The lines of a batch's file, found once and read again one by one.
struct BatchInput: Sendable {
    /// Where a line is.
    struct Place: Sendable {
        let offset: Int
        let length: Int
    }

    let path: String
    /// Lines that are not blank.
    let lines: [Place]

    /// Lines of one file.
    static let maximumLines = 50_000
    /// Errors that are told of one file.
    private static let maximumErrors = 100

    /// The lines of a file that has been checked.
    init(path: String) throws(FileSystemError) {
        self.path = path
        var lines: [Place] = []
        try Self.scan(path) { _, _, place in
            lines.append(place)
            return lines.count < Self.maximumLines
        }
        self.lines = lines
    }

    /// One line.
    ///
    /// - Throws: `FileSystemError`; `BatchError` for what is no request.
    func line(_ index: Int, endpoint: String) throws -> BatchLine {
        let place = lines[index]
        let file = try OpenFile(path, flags: O_RDONLY)
        return try BatchLine(try file.read(place.length, at: place.offset)[...], endpoint: endpoint)
    }

    /// What is wrong with a file, line by line, and how many requests it has.
    static func check(
        _ path: String,
        endpoint: String
    ) throws(FileSystemError) -> (count: Int, errors: [BatchError]) {
        var count = 0
        var errors: [BatchError] = []
        var ids: Set<[UInt8]> = []
        try scan(path) { bytes, number, _ in
            count += 1
            guard count <= maximumLines else {
                errors.append(.tooManyLines(maximumLines))
                return false
            }
            do throws(BatchError) {
                let line = try BatchLine(bytes, endpoint: endpoint)
                guard ids.insert(Array(line.id.utf8)).inserted else {
                    throw .duplicate(line.id)
                }
            } catch {
                var error = error
                error.line = number
                errors.append(error)
            }
            return errors.count < maximumErrors
        }
        if count == 0 { errors.append(.empty) }
        return (count, errors)
    }

    /// Calls `body` with every line that is not blank, its number counted from 1, and its place,
    /// until that returns `false`.
    private static func scan(
        _ path: String,
        _ body: (ArraySlice<UInt8>, Int, Place) -> Bool
    ) throws(FileSystemError) {
        let file = try OpenFile(path, flags: O_RDONLY)
        var bytes: [UInt8] = []
        // Where in the file `bytes` begins.
        var offset = 0
        var number = 0
        while true {
            let chunk = try file.read(upTo: 1 << 20)
            bytes += chunk
            var start = 0
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: 0x0A)
                // A line that is too long is cut, and refused by who reads it.
                let isCut = bytes.count - start > BatchLine.maximumBytes
                guard end != nil || chunk.isEmpty || isCut else { break }
                let line = bytes[start..<(end ?? bytes.count)]
                number += 1
                if line.contains(where: { $0 > 0x20 }) {
                    let place = Place(offset: offset + start, length: line.count)
                    guard body(line, number, place) else { return }
                }
                start += line.count + 1
            }
            if chunk.isEmpty { return }
            start = min(start, bytes.count)
            bytes.removeFirst(start)
            offset += start
        }
    }
}
