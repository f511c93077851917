import CCurl

/// One of libcurl's easy handles: a request at a time, and the connections it has left open.
///
/// Owner: one thread at a time, which the client hands it to and takes it back from.
final class CurlHandle: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    /// The library's own state, made once before any handle.
    private static let library = curl_global_init(3)

    /// - Throws: `CurlError` where the library has no memory left.
    init() throws(CurlError) {
        _ = Self.library
        guard let handle = curl_easy_init() else { throw CurlError(reason: "no memory is left") }
        self.handle = handle
    }

    deinit { curl_easy_cleanup(handle) }

    /// Sends a request and hands the answer to `transfer`; returns where it redirects to, absolute.
    /// - Throws: `CurlError` with the library's words.
    func perform(_ request: CurlRequest, _ transfer: CurlTransfer) throws(CurlError) -> String? {
        curl_easy_reset(handle)
        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        for (name, value) in request.headers { list = curl_slist_append(list, "\(name): \(value)") }
        // Timeouts by signals would end the process where several threads use the library.
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_BUFFERSIZE, 256 << 10)
        set(CURLOPT_CONNECTTIMEOUT, request.idleSeconds)
        set(CURLOPT_LOW_SPEED_LIMIT, 1)
        set(CURLOPT_LOW_SPEED_TIME, request.idleSeconds)
        set(CURLOPT_NOPROGRESS, 0)
        facet_curl_set_pointer(handle, CURLOPT_HTTPHEADER, list)
        method(of: request)
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        for option in [CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_XFERINFODATA] {
            facet_curl_set_pointer(handle, option, context)
        }
        facet_curl_set_write(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            CurlHandle.transfer(context).head(bytes, size * count)
        }
        facet_curl_set_write(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            CurlHandle.transfer(context).body(bytes, size * count)
        }
        facet_curl_set_progress(handle) { context, _, _, _, _ in
            CurlHandle.transfer(context).isStopped ? 1 : 0
        }
        var message = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        let code = message.withUnsafeMutableBufferPointer { message in
            facet_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, message.baseAddress)
            defer { facet_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, nil) }
            _ = request.url.withCString { facet_curl_set_pointer(handle, CURLOPT_URL, $0) }
            return perform(sending: request.body)
        }
        guard code == CURLE_OK || transfer.hasEnough else {
            let words = String(
                decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
                as: UTF8.self
            )
            throw CurlError(
                reason: words.isEmpty ? String(cString: curl_easy_strerror(code)) : words
            )
        }
        return facet_curl_redirect_url(handle).map { String(cString: $0) }
    }

    /// Sets what is not a plain GET: libcurl copies these texts.
    private func method(of request: CurlRequest) {
        if request.method != "GET" {
            _ = request.method.withCString {
                facet_curl_set_pointer(handle, CURLOPT_CUSTOMREQUEST, $0)
            }
        }
        guard let signature = request.signature else { return }
        _ = "aws:amz:\(signature.region):s3".withCString {
            facet_curl_set_pointer(handle, CURLOPT_AWS_SIGV4, $0)
        }
        _ = "\(signature.keyID):\(signature.secret)".withCString {
            facet_curl_set_pointer(handle, CURLOPT_USERPWD, $0)
        }
    }

    private func perform(sending body: [UInt8]?) -> CURLcode {
        guard let body else { return curl_easy_perform(handle) }
        set(CURLOPT_POSTFIELDSIZE, body.count)
        // Large bodies ask first; who does not answer that is not waited for.
        set(CURLOPT_EXPECT_100_TIMEOUT_MS, 1)
        return body.withUnsafeBytes { bytes in
            // libcurl takes no body for an empty one without an address.
            let address = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
            facet_curl_set_pointer(handle, CURLOPT_POSTFIELDS, address)
            return curl_easy_perform(handle)
        }
    }

    private func set(_ option: CURLoption, _ value: Int) {
        facet_curl_set_long(handle, option, value)
    }

    private static func transfer(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
        guard let context else { preconditionFailure("libcurl hands back what it was given") }
        return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    }
}

/// A request that failed below HTTP, in the library's words.
struct CurlError: Error, Hashable {
    let reason: String
}

/// What is asked for.
struct CurlRequest: Sendable {
    /// An http or https address.
    var url: String
    /// The header fields, in order.
    var headers: [(name: String, value: String)]
    /// Seconds without a byte after which the request fails.
    var idleSeconds: Int
    /// The method; what is not GET is sent with a body.
    var method = "GET"
    /// What is sent; `nil`: nothing.
    var body: [UInt8]?
    /// How an S3 store knows the sender; `nil`: not at all.
    var signature: CurlSignature?
}

/// What a request to S3 is signed with.
struct CurlSignature: Sendable {
    let region: String
    let keyID: String
    let secret: String
}
