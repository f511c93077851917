/// `GET /` and the files below `/console/`: a web console that uses nothing but the public API.
struct ConsoleHandler: Sendable {
    /// The page; it needs no key, for it asks for one.
    func page(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        try Self.response(ConsoleFiles.page, to: request)
    }

    /// One of the page's files.
    func file(_ request: HTTPRequest, _: Caller) async throws -> HTTPResponse {
        try Self.response(request.parameters["file"] ?? "", to: request)
    }

    private static func response(
        _ name: String,
        to request: HTTPRequest
    ) throws(APIError) -> HTTPResponse {
        guard let file = ConsoleFiles.all[name] else {
            throw .unknownPath(request.method, request.path)
        }
        var headers: HTTPHeaders = [
            "Content-Type": file.contentType, "Cache-Control": "no-cache", "ETag": "W/" + file.tag,
            "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer", "Content-Security-Policy": policy,
        ]
        if request.headers.tokens(of: "if-none-match").contains(where: { $0.hasSuffix(file.tag) }) {
            return HTTPResponse(status: HTTPStatus(rawValue: 304), headers: headers)
        }
        guard accepts(gzip: request) else {
            return HTTPResponse(headers: headers, body: .bytes(file.bytes))
        }
        headers["Content-Encoding"] = "gzip"
        return HTTPResponse(headers: headers, body: .bytes(file.gzip))
    }

    /// Everything comes from this server, and no text can become a script.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        + "require-trusted-types-for 'script'"

    private static func accepts(gzip request: HTTPRequest) -> Bool {
        request.headers.tokens(of: "accept-encoding").contains { coding in
            let parts = coding.split(separator: ";").map { HTTPText.trimmed(String($0)) }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2)
            return parts.first == "gzip" && weight.flatMap { Double($0) } != 0
        }
    }
}
