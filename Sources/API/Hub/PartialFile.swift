import Glibc
import InferenceRuntime

/// The part of a file that has arrived, open for more, with the hash so far.
struct PartialFile: ~Copyable {
    private let output: OpenFile
    private var hash: SHA256
    private(set) var count: Int

    /// Opens a file, cuts it to `size` bytes and hashes these.
    init(_ path: String, keeping size: Int) throws(FileSystemError) {
        let output = try OpenFile(path, flags: O_RDWR | O_CREAT)
        var hash = SHA256()
        var count = 0
        guard ftruncate(output.descriptor, size) == 0 else {
            throw FileSystemError(operation: "truncate", path: path, code: errno)
        }
        while count < size {
            let chunk = try output.read(min(1 << 20, size - count), at: count)
            if chunk.isEmpty { break }
            hash.update(chunk)
            count += chunk.count
        }
        try output.skip(count)
        self.output = output
        self.hash = hash
        self.count = count
    }

    /// The size of what is there; 0 where nothing is.
    static func size(_ path: String) -> Int {
        FileStamp(path: path)?.size ?? 0
    }

    mutating func append(_ bytes: [UInt8]) throws(FileSystemError) {
        try output.write(bytes)
        hash.update(bytes)
        count += bytes.count
    }

    /// Waits until everything is on disk and returns the hash of it in hex.
    consuming func finish() throws(FileSystemError) -> String {
        try output.synchronize()
        return Hex.text(hash.finalize())
    }
}
