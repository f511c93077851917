import InferenceRuntime
import Storage

/// Writing the files of an adapter that is being staged.
extension StagingFolder {
    /// Makes a folder beside the adapters that are there.
    static func adapter(in root: String) throws(AdapterStoreError) -> StagingFolder {
        do throws(FileSystemError) {
            return try StagingFolder(in: root)
        } catch {
            throw .storage(operation: "stage an adapter", reason: error.description)
        }
    }

    /// Writes a small file.
    func write(_ bytes: [UInt8], to file: String) throws(AdapterStoreError) {
        try create(file) { output throws(FileSystemError) in try output.write(bytes) }
    }

    /// Writes a file and syncs it; `bytes` is what it will measure, checked before any is written.
    func create(
        _ file: String,
        bytes: Int = 0,
        _ body: (borrowing OpenFile) throws(FileSystemError) -> Void
    ) throws(AdapterStoreError) {
        do throws(FileSystemError) {
            try FileSystemSpace.require(bytes, at: path)
            try DurableFile.create(path(of: file), mode: 0o600, body)
        } catch {
            throw .storage(operation: "stage an adapter", reason: error.description)
        }
    }

    /// Copies exactly `count` bytes from the position of `source`.
    func copy(
        _ count: Int,
        of source: borrowing OpenFile,
        to file: String,
        reportedAs path: String
    ) throws(AdapterStoreError) {
        var missing = count
        try create(file, bytes: count) { output throws(FileSystemError) in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
            defer { buffer.deallocate() }
            while missing > 0 {
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(missing))
                let got = try source.read(into: part)
                if got == 0 { return }
                try output.write(UnsafeRawBufferPointer(rebasing: part.prefix(got)))
                missing -= got
            }
        }
        guard missing == 0 else {
            throw .invalidSource(path: path, reason: "\(file) ends too early")
        }
    }
}
