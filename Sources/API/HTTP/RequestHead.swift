/// A request line and its fields, as they were decoded.
struct RequestHead: Sendable {
    /// The method.
    var method: HTTPMethod
    /// The request target; `*` and absolute forms as well as paths, until `validated`.
    var target: String
    /// Whether the version is 1.1; otherwise it is 1.0.
    var isVersion11: Bool
    /// The fields.
    var headers: HTTPHeaders

    /// What `Content-Length` says; the decoder has refused what is no number.
    var contentLength: Int? { headers["content-length"].flatMap { Int(HTTPText.trimmed($0)) } }

    /// Whether the client would use the connection again.
    var wantsKeepAlive: Bool {
        let tokens = headers.tokens(of: "connection")
        // The decoder stops after a request to upgrade, which is answered in HTTP/1.1.
        guard !tokens.contains("close"), !tokens.contains("upgrade"), method.rawValue != "CONNECT"
        else { return false }
        return isVersion11 || tokens.contains("keep-alive")
    }

    /// Whether the client waits for `100 Continue` before it sends the body.
    var expectsContinue: Bool { isVersion11 && headers["expect"] != nil }
}

extension RequestHead {
    /// Checks what the grammar leaves open; the target is a path and a query afterwards.
    ///
    /// The rules are those that keep two servers from reading one message differently
    /// (RFC 9112, 3.2 and 6.1).
    mutating func validate() throws(APIError) {
        try validateHost()
        try validateFraming()
        try validateEncoding()
        try normalizeTarget()
        let expectations = headers.values(of: "expect")
        guard expectations.allSatisfy({ HTTPText.trimmed($0).lowercased() == "100-continue" })
        else {
            throw APIError(
                status: .expectationFailed,
                message: "The only expectation served is 100-continue."
            )
        }
    }

    private func validateHost() throws(APIError) {
        let hosts = headers.values(of: "host")
        guard hosts.count == 1 || hosts.isEmpty && !isVersion11 else {
            throw .badRequest("A request needs one Host field; there are \(hosts.count).")
        }
        let isSane = hosts.allSatisfy { host in
            host.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: ".-_~:[]%!$&'()*+;=".utf8.contains(byte)
                }
            }
        }
        guard isSane else { throw .badRequest("The Host field is not a host.") }
    }

    private func validateFraming() throws(APIError) {
        guard headers["content-length"] == nil || contentLength != nil else {
            throw .badRequest("The Content-Length is out of range.")
        }
        let encodings = headers.values(of: "transfer-encoding")
        guard !encodings.isEmpty else { return }
        guard isVersion11 else { throw .badRequest("HTTP/1.0 has no Transfer-Encoding.") }
        guard headers["content-length"] == nil else {
            throw .badRequest("Content-Length and Transfer-Encoding exclude each other.")
        }
        guard encodings.count == 1, HTTPText.trimmed(encodings[0]).lowercased() == "chunked" else {
            throw .badRequest("The only Transfer-Encoding served is chunked.")
        }
    }

    private func validateEncoding() throws(APIError) {
        let encodings = headers.tokens(of: "content-encoding").filter { $0 != "identity" }
        guard encodings.isEmpty else {
            throw APIError(
                status: .unsupportedMediaType,
                message:
                    "Content-Encoding '\(encodings.joined(separator: ", ").prefix(100))' is not "
                    + "decoded here: send the body as it is, without Content-Encoding.",
                code: "unsupported_content_encoding",
                headers: ["Accept-Encoding": "identity"]
            )
        }
    }

    private mutating func normalizeTarget() throws(APIError) {
        guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else { throw .badRequest("The request target holds a character that must be encoded.") }
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            let rest = target.utf8.dropFirst(scheme.utf8.count)
            let path = rest.drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            // The host of an absolute target counts, whatever the field says (RFC 9112, 3.2.2).
            headers["host"] = String(decoding: rest.prefix(rest.count - path.count), as: UTF8.self)
            try validateHost()
            let text = String(decoding: path, as: UTF8.self)
            target = text.hasPrefix("/") ? text : "/" + text
        }
        let isServerWide = target == "*" && method == .options
        guard target.utf8.first == UInt8(ascii: "/") || isServerWide else {
            throw .badRequest("The request target is not a path.")
        }
    }
}
