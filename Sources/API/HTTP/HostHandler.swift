import Glibc

/// Answers only requests that name a host the server is known by.
///
/// A page on the web can make a name of its own point to 127.0.0.1 (DNS rebinding). The browser then
/// takes the server for the page's own, but still says in `Host` what name it followed.
struct HostHandler: HTTPHandler {
    let policy: HostPolicy
    let next: any HTTPHandler

    func handle(_ request: HTTPRequest) async throws -> HTTPResponse {
        let host = request.headers["host"]
        guard policy.allows(host) else {
            throw APIError(
                status: .misdirectedRequest,
                message: "This server is not known as '\((host ?? "").prefix(256))'. Use "
                    + "'localhost', or start it with '--allowed-host NAME' for every other name.",
                type: "permission_error",
                code: "host_not_allowed"
            )
        }
        return try await next.handle(request)
    }
}

extension HostPolicy {
    /// Whether a request with this `Host` is answered; browsers always send one.
    func allows(_ host: String?) -> Bool {
        guard case .thisMachine(let others) = self, let host else { return true }
        guard let name = Self.name(of: host) else { return false }
        return Self.isThisMachine(name) || others.contains { Self.name(of: $0) == name }
    }

    /// Whether a `Host` is the address of an interface and no name.
    static func isAddress(_ host: String) -> Bool {
        guard let name = name(of: host) else { return false }
        guard name.hasPrefix("["), name.hasSuffix("]") else {
            return address(name, family: AF_INET, bytes: 4) != nil
        }
        let inner = String(name.dropFirst().dropLast())
        return address(inner, family: AF_INET6, bytes: 16) != nil
    }

    /// The name or address without its port, in lower case; `nil` where it is neither.
    private static func name(of host: String) -> String? {
        let host = host.lowercased()
        let isBracketed = host.hasPrefix("[")
        let end = isBracketed ? host.firstIndex(of: "]").map(host.index(after:)) : nil
        guard let end = isBracketed ? end : host.firstIndex(of: ":") ?? host.endIndex else {
            return nil
        }
        let port = host[end...]
        guard port.isEmpty || port.first == ":" && port.dropFirst().allSatisfy(isDigit) else {
            return nil
        }
        // A name may end in the dot of the root.
        let name = host[..<end].hasSuffix(".") ? host[..<end].dropLast() : host[..<end]
        return name.isEmpty ? nil : String(name)
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }

    /// `localhost` and names below it, which always mean this machine (RFC 6761), and the addresses
    /// of the loopback interface.
    private static func isThisMachine(_ name: String) -> Bool {
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        if name.hasPrefix("["), name.hasSuffix("]") {
            let loopback = Array(repeating: UInt8(0), count: 15) + [1]
            return address(String(name.dropFirst().dropLast()), family: AF_INET6, bytes: 16)
                == loopback
        }
        return address(name, family: AF_INET, bytes: 4)?.first == 127
    }

    /// The bytes of an address written as text, in network order; nil when it is not one.
    private static func address(_ text: String, family: Int32, bytes: Int) -> [UInt8]? {
        var address = Array(repeating: UInt8(0), count: bytes)
        return inet_pton(family, text, &address) == 1 ? address : nil
    }
}
