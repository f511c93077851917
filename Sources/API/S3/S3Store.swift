import Glibc
import InferenceRuntime
public import Storage
import Synchronization

/// An S3 bucket: requests are signed (SigV4) and sent by libcurl.
///
/// Large files go in parts; each part's SHA-256 is signed, and the whole file's is kept with the
/// object and compared when it is fetched. What fails for the moment is tried again, after a random
/// wait, for a few seconds; then everybody else is refused at once for one second.
public final class S3Store: ObjectStore {
    private let configuration: S3Configuration
    private let client = CurlClient(limit: 1)
    private let outage = Mutex<(until: ContinuousClock.Instant, reason: String)?>(nil)

    private static let partBytes = 8 << 20
    /// Seconds without a byte after which a request has failed.
    private static let idleSeconds = 2
    /// How long a request is tried again.
    private static let patience = Duration.seconds(3)
    private static let checksum = "x-amz-meta-sha256"

    /// A store in the bucket of a configuration.
    public init(_ configuration: S3Configuration) {
        self.configuration = configuration
    }

    /// Stores a file, in parts where it is large.
    public func put(_ path: String, as key: String) throws(ObjectStoreError) {
        let (size, digest) = try Self.reading(path) { file throws(FileSystemError) in
            (try file.byteCount(), try FileDigest.sha256(of: path))
        }
        let whole = [(name: Self.checksum, value: digest)]
        guard size > Self.partBytes else {
            let bytes = try part(of: path, from: 0, size)
            _ = try send("PUT", key, body: bytes, headers: whole)
            return
        }
        let started = try send("POST", key, query: "uploads=", body: [], headers: whole)
        guard let id = started.element("UploadId") else {
            throw .failed(reason: "an upload in parts has no UploadId")
        }
        do throws(ObjectStoreError) {
            try putParts(of: path, size, key, id)
        } catch {
            // What was sent costs until it is let go.
            _ = try? send("DELETE", key, query: "uploadId=\(id)")
            throw error
        }
    }

    private func putParts(
        of path: String,
        _ size: Int,
        _ key: String,
        _ id: String
    ) throws(ObjectStoreError) {
        var list = "<CompleteMultipartUpload>"
        var offset = 0
        var number = 1
        while offset < size {
            let bytes = try part(of: path, from: offset, min(Self.partBytes, size - offset))
            let query = "partNumber=\(number)&uploadId=\(id)"
            let answer = try send("PUT", key, query: query, body: bytes)
            let tag = answer.response?.header("ETag") ?? ""
            list += "<Part><PartNumber>\(number)</PartNumber><ETag>\(tag)</ETag></Part>"
            offset += bytes.count
            number += 1
        }
        list += "</CompleteMultipartUpload>"
        let answer = try send("POST", key, query: "uploadId=\(id)", body: Array(list.utf8))
        // An error may come with status 200 here.
        guard answer.element("ETag") != nil else {
            throw .failed(reason: "the parts of '\(key)' were not put together")
        }
    }

    /// Fetches an object.
    public func get(_ key: String, to path: String) throws(ObjectStoreError) {
        let temporary = path + DurableFile.temporaryMark + DurableFile.uniqueSuffix()
        defer { unlink(temporary) }
        let answer = try send("GET", key, into: temporary)
        do throws(FileSystemError) {
            let digest = try FileDigest.sha256(of: temporary)
            if let expected = answer.response?.header(Self.checksum), expected != digest {
                throw FileSystemError(operation: "verify", path: path, code: EBADMSG)
            }
            try OpenFile(temporary, flags: O_RDONLY).synchronize()
            try DurableFile.rename(temporary, to: path)
        } catch {
            throw .failed(reason: error.description)
        }
    }

    /// Removes an object.
    public func remove(_ key: String) throws(ObjectStoreError) {
        _ = try send("DELETE", key)
    }

    /// Sends a request until it is answered, or has not been for too long.
    private func send(
        _ method: String,
        _ key: String,
        query: String = "",
        body: [UInt8]? = nil,
        headers: [(name: String, value: String)] = [],
        into path: String? = nil
    ) throws(ObjectStoreError) -> S3Answer {
        if let outage = outage.withLock({ $0 }), ContinuousClock.now < outage.until {
            throw .unavailable(reason: outage.reason)
        }
        let request = request(method, key, query, body, headers)
        let deadline = ContinuousClock.now + Self.patience
        var wait = 0.1
        while true {
            let answer = S3Answer(path: path)
            let reason: String
            do {
                try client.sendNow(request, into: answer)
                let status = answer.response?.status ?? 0
                switch status {
                case 200..<300: return answer
                case 404: throw ObjectStoreError.missing(key: key)
                case 429, 500...: reason = "status \(status)"
                default:
                    let code = answer.element("Code") ?? ""
                    throw ObjectStoreError.failed(reason: "status \(status) \(code) for '\(key)'")
                }
            } catch let error as ObjectStoreError {
                throw error
            } catch let error as CurlError {
                reason = error.reason
            } catch {
                throw .failed(reason: "\(error)")
            }
            guard ContinuousClock.now + .seconds(wait) < deadline else {
                outage.withLock { $0 = (until: .now + .seconds(1), reason: reason) }
                throw .unavailable(reason: reason)
            }
            usleep(UInt32(Double.random(in: 0.5...1) * wait * 1e6))
            wait *= 2
        }
    }

    private func request(
        _ method: String,
        _ key: String,
        _ query: String,
        _ body: [UInt8]?,
        _ headers: [(name: String, value: String)]
    ) -> CurlRequest {
        let configuration = configuration
        var request = CurlRequest(
            url: configuration.url(of: key) + (query.isEmpty ? "" : "?" + query),
            headers: [
                ("Content-Type", "application/octet-stream"),
                ("x-amz-content-sha256", SHA256.hex(of: body ?? [])),
            ],
            idleSeconds: Self.idleSeconds
        )
        request.headers += headers
        if let token = configuration.sessionToken {
            request.headers.append(("x-amz-security-token", token))
        }
        request.method = method
        request.body = body
        request.signature = CurlSignature(
            region: configuration.region,
            keyID: configuration.keyID,
            secret: configuration.secret
        )
        return request
    }

    private func part(
        of path: String,
        from offset: Int,
        _ count: Int
    ) throws(ObjectStoreError) -> [UInt8] {
        try Self.reading(path) { file throws(FileSystemError) in
            var bytes = [UInt8](repeating: 0, count: count)
            let read = pread(file.descriptor, &bytes, count, off_t(offset))
            guard read == count else {
                throw FileSystemError(operation: "read", path: path, code: read < 0 ? errno : EIO)
            }
            return bytes
        }
    }

    private static func reading<Value>(
        _ path: String,
        _ body: (borrowing OpenFile) throws(FileSystemError) -> Value
    ) throws(ObjectStoreError) -> Value {
        do throws(FileSystemError) {
            return try body(OpenFile(path, flags: O_RDONLY))
        } catch {
            throw .failed(reason: error.description)
        }
    }
}
