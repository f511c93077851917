import AdapterStore
import Foundation
import Glibc
import InferenceRuntime
import Synchronization

/// One file on its way: appends to `NAME.incomplete`, hashes as it goes, resumes where it stopped.
final class FileDownload: CurlSink {
    let file: HubFile
    private let path: String
    private let answer: HubAnswer
    private let progress: @Sendable (_ bytes: Int, _ source: Source) -> Void
    private let state = Mutex(State())

    /// Where bytes come from.
    enum Source { case network, disk }

    private struct State: ~Copyable {
        var partial: PartialFile?
        /// What the answer promises in all; `nil` where it does not say.
        var expected: Int?
        /// The most bytes that were there when last asked.
        var farthest = 0
        /// The bytes in `partial`.
        var received = 0
    }

    /// - Parameters:
    ///   - path: where the file goes; `.incomplete` and `.etag` are put behind it meanwhile.
    ///   - progress: told how many bytes came, or went where a file is begun anew.
    init(
        _ file: HubFile,
        path: String,
        answer: HubAnswer,
        progress: @escaping @Sendable (_ bytes: Int, _ source: Source) -> Void
    ) {
        self.file = file
        self.path = path
        self.answer = answer
        self.progress = progress
    }

    private var incomplete: String { path + ".incomplete" }
    private var etagFile: String { path + ".etag" }

    /// Whether more is there than ever before: bytes that only came again are no progress.
    func takeProgress() -> Bool {
        state.withLock { state in
            defer { state.farthest = max(state.farthest, state.received) }
            return state.received > state.farthest
        }
    }

    /// Opens what is there, hashes it and returns the headers that ask for the rest.
    func prepare() throws(HubError) -> [String: String] {
        let etag = FileManager.default.contents(atPath: etagFile)
            .map { String(decoding: $0, as: UTF8.self) }
        var size = PartialFile.size(incomplete)
        // Without an ETag the rest could be that of another file.
        if etag == nil || size > file.size ?? .max { size = 0 }
        try open(keeping: size)
        guard size > 0, let etag else { return [:] }
        return ["Range": "bytes=\(size)-", "If-Range": etag]
    }

    private func open(keeping size: Int) throws(HubError) {
        let path = incomplete
        do throws(FileSystemError) {
            try DurableFile.makeFolder(DurableFile.folder(of: path))
            let change = try state.withLock { state throws(FileSystemError) in
                let before = state.received
                state.partial = nil
                let partial = try PartialFile(path, keeping: size)
                state.received = partial.count
                state.partial = consume partial
                state.expected = nil
                return state.received - before
            }
            progress(change, .disk)
        } catch {
            throw .storage("\(error)")
        }
    }

    // MARK: - CurlSink

    func begin(_ response: CurlResponse) throws(HubError) -> Bool {
        let received = state.withLock { $0.received }
        // Nothing beyond what is there: it is complete, or the hash will tell.
        if response.status == 416, received > 0 { return false }
        if let error = answer.error(response) { throw error }
        if response.status != 206 {
            try open(keeping: 0)
        } else if Self.rangeStart(response) != received {
            throw .corrupt(file: file.path, reason: "the hub sent another part than asked for")
        }
        let length = response.header("Content-Length").flatMap { Int($0) }
        state.withLock { state in
            let received = state.received
            state.expected = length.map { received + $0 }
        }
        try keepETag(response)
        return true
    }

    func receive(_ bytes: [UInt8]) throws(HubError) {
        let failure = state.withLock { state -> HubError? in
            if let size = file.size, state.received + bytes.count > size {
                return .corrupt(file: file.path, reason: "it is longer than the hub listed")
            }
            do throws(FileSystemError) {
                try state.partial?.append(bytes)
            } catch {
                return .storage("\(error)")
            }
            state.received += bytes.count
            return nil
        }
        if let failure { throw failure }
        progress(bytes.count, .network)
    }

    /// A strong ETag identifies what a rest would belong to.
    private func keepETag(_ response: CurlResponse) throws(HubError) {
        guard let etag = response.header("ETag"), !etag.hasPrefix("W/") else {
            unlink(etagFile)
            return
        }
        do throws(FileSystemError) {
            try DurableFile.write(Array(etag.utf8), to: etagFile)
        } catch {
            throw .storage("\(error)")
        }
    }

    /// The first byte's place in `Content-Range: bytes 5-9/10`.
    private static func rangeStart(_ response: CurlResponse) -> Int? {
        let text = response.header("Content-Range") ?? ""
        guard text.lowercased().hasPrefix("bytes ") else { return nil }
        return Int(text.dropFirst(6).prefix { $0 != "-" })
    }

    // MARK: - The end

    /// Checks what arrived and gives it its name.
    ///
    /// Damaged content stays; the caller discards it and begins anew.
    func finish(url: URL) throws(HubError) {
        let (received, expected) = state.withLock { ($0.received, $0.expected) }
        if let expected, received < expected {
            throw .network(url: url.absoluteString, reason: "it was cut after \(received) bytes")
        }
        var isDamaged = false
        if let size = file.size, size != received {
            throw .corrupt(file: file.path, reason: "\(received) bytes came, \(size) were listed")
        }
        do throws(FileSystemError) {
            let hash = try state.withLock { state throws(FileSystemError) in
                try state.partial.take()?.finish()
            }
            if let expected = file.sha256, hash != expected {
                isDamaged = true
            } else {
                try DurableFile.rename(incomplete, to: path)
                unlink(etagFile)
            }
        } catch {
            throw .storage("\(error)")
        }
        if isDamaged { throw .corrupt(file: file.path, reason: Self.wrongHash) }
    }

    private static let wrongHash = "its SHA-256 is not the one the hub lists"

    /// Removes what has arrived.
    func discard() {
        unlink(incomplete)
        unlink(etagFile)
        let received = state.withLock { state in
            let received = state.received
            state.partial = nil
            state.received = 0
            state.farthest = 0
            return received
        }
        progress(-received, .disk)
    }
}
