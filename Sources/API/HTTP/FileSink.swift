import Glibc

/// Writes to a new file, off the loop.
///
/// The file is durable after `finish()` and gone after `abandon()`. One of them ends every sink.
public final class FileSink: ByteSink {
    /// The file's path.
    public let path: String
    private let file: LoopFile

    private init(path: String, file: LoopFile) {
        self.path = path
        self.file = file
    }

    /// Creates the file, which must not exist, readable by its owner alone.
    public static func create(_ path: String) async throws -> FileSink {
        do {
            return FileSink(path: path, file: try await LoopFile.create(path))
        } catch {
            throw Self.translated(error)
        }
    }

    /// Appends bytes; returns when they are with the operating system.
    ///
    /// - Throws: an `APIError` with status 507 where the disk is full.
    public func write(_ bytes: ArraySlice<UInt8>) async throws {
        do {
            try await file.write(bytes)
        } catch {
            throw Self.translated(error)
        }
    }

    /// Returns when the disk has everything, and closes the file.
    public func finish() async throws {
        do {
            try await file.synchronize()
            try await file.close()
        } catch {
            throw Self.translated(error)
        }
    }

    /// Closes and removes the file.
    public func abandon() async {
        try? await file.close()
        unlink(path)
    }

    private static func translated(_ error: UVError) -> any Error {
        guard error.code == .noSpace else { return error }
        return APIError(
            status: .insufficientStorage,
            message: "The server's disk is full.",
            type: "server_error",
            code: "insufficient_storage"
        )
    }
}
