import Glibc

extension DurableFile {
    /// Replaces `path` by a safetensors file whose tensors may be unreadable.
    static func write(
        _ writer: SafetensorsWriter<CheckpointError>,
        to path: String
    ) throws(CheckpointError) {
        try write(to: path) { sink throws(CheckpointError) in try writer.write(to: sink) }
    }

    /// Replaces `path` by a GGUF file whose tensors may be unreadable.
    static func write(
        _ writer: GGUFWriter<CheckpointError>,
        to path: String
    ) throws(CheckpointError) {
        try write(to: path) { sink throws(CheckpointError) in
            try writer.write { bytes throws(CheckpointError) in
                try CheckpointShards.Writer.put(bytes, to: sink)
            }
        }
    }

    private static func write(
        to path: String,
        _ body: (CheckpointShards.Writer.Sink) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        var failure: CheckpointError?
        do throws(FileSystemError) {
            try write(to: path) { file throws(FileSystemError) in
                do throws(CheckpointError) {
                    try body { bytes throws(CheckpointError) in
                        try CheckpointError.writing(path) { () throws(FileSystemError) in
                            try file.write(bytes)
                        }
                    }
                } catch {
                    failure = error
                    throw FileSystemError(operation: "write", path: path, code: EIO)
                }
            }
        } catch {
            throw failure ?? CheckpointError(writing: path, error)
        }
    }
}

extension CheckpointError {
    /// A file that cannot be written.
    init(writing path: String, _ error: FileSystemError) {
        self = .unwritable(path: path, reason: String(cString: strerror(error.code)))
    }

    /// Runs `body`, which writes the file at `path`.
    static func writing(
        _ path: String,
        _ body: () throws(FileSystemError) -> Void
    ) throws(CheckpointError) {
        do throws(FileSystemError) {
            try body()
        } catch {
            throw CheckpointError(writing: path, error)
        }
    }
}
