/// Finds the handler of a request by its method and path.
///
/// Patterns are made of segments: `/v1/models/{id}`. A request's path is split before it is
/// percent-decoded, so `%2F` stays inside its segment. `HEAD` goes where `GET` does.
public struct Router: HTTPHandler {
    /// What JSON bodies may measure unless a route says otherwise.
    public static let jsonBodyLimit = 32 << 20

    private enum Segment: Hashable {
        case literal([UInt8])
        case parameter(String)
    }

    private struct Route {
        let method: HTTPMethod
        let segments: [Segment]
        let bodyLimit: Int
        let handler: any HTTPHandler
    }

    private var routes: [Route] = []

    /// Makes a router without routes.
    public init() {}

    /// Adds a route; bodies beyond `bodyLimit` bytes are a 413.
    public mutating func add(
        _ method: HTTPMethod,
        _ pattern: String,
        bodyLimit: Int = Router.jsonBodyLimit,
        _ handler: any HTTPHandler
    ) {
        let segments = pattern.utf8.dropFirst()
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { segment -> Segment in
                segment.first == UInt8(ascii: "{") && segment.last == UInt8(ascii: "}")
                    ? .parameter(
                        String(decoding: segment.dropFirst().dropLast(), as: UTF8.self)
                    ) : .literal(Array(segment))
            }
        routes.append(
            Route(method: method, segments: segments, bodyLimit: bodyLimit, handler: handler)
        )
    }

    /// Adds a route that is a closure.
    public mutating func add(
        _ method: HTTPMethod,
        _ pattern: String,
        bodyLimit: Int = Router.jsonBodyLimit,
        _ handle: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
    ) {
        add(method, pattern, bodyLimit: bodyLimit, HTTPClosureHandler(handle))
    }

    /// Hands the request to its route; 404 and 405 where there is none, 204 for `OPTIONS`.
    public func handle(_ request: HTTPRequest) async throws -> HTTPResponse {
        if request.target == "*" { return Self.options([.get, .head, .post, .delete, .options]) }
        let segments = request.pathSegments.map { Array($0.utf8) }
        let matches = routes.filter { Self.matches($0.segments, segments) }
        guard !matches.isEmpty else { throw APIError.unknownPath(request.method, request.path) }
        let method = request.method == .head ? .get : request.method
        guard let route = matches.first(where: { $0.method == method }) else {
            return try Self.refuse(request.method, allowed: matches.map(\.method))
        }
        var request = request
        for case (.parameter(let name), let segment) in zip(route.segments, segments) {
            guard let value = HTTPText.percentDecoded(segment, plusIsSpace: false) else {
                throw APIError.badRequest("The path is not valid percent-encoded UTF-8.")
            }
            request.parameters[name] = value
        }
        request.body = try request.body.limited(to: route.bodyLimit)
        return try await route.handler.handle(request)
    }

    private static func matches(_ pattern: [Segment], _ segments: [[UInt8]]) -> Bool {
        pattern.count == segments.count
            && zip(pattern, segments).allSatisfy { expected, segment in
                switch expected {
                case .literal(let text): text == segment
                case .parameter: !segment.isEmpty
                }
            }
    }

    private static func refuse(
        _ method: HTTPMethod,
        allowed: [HTTPMethod]
    ) throws(APIError) -> HTTPResponse {
        var methods: [HTTPMethod] = []
        for candidate in allowed where !methods.contains(candidate) {
            methods += candidate == .get ? [.get, .head] : [candidate]
        }
        methods.append(.options)
        guard method == .options else { throw .methodNotAllowed(method, allowed: methods) }
        return options(methods)
    }

    private static func options(_ methods: [HTTPMethod]) -> HTTPResponse {
        let allow = methods.map(\.rawValue).joined(separator: ", ")
        return HTTPResponse(status: .noContent, headers: ["Allow": allow])
    }
}
