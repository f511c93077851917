/// A request method, case-sensitive as RFC 9110 has it.
public struct HTTPMethod: RawRepresentable, Hashable, Sendable {
    /// The token as it stood in the request line.
    public let rawValue: String

    /// Wraps a token.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The method `GET`.
    public static let get = HTTPMethod(rawValue: "GET")
    /// The method `HEAD`.
    public static let head = HTTPMethod(rawValue: "HEAD")
    /// The method `POST`.
    public static let post = HTTPMethod(rawValue: "POST")
    /// The method `PUT`.
    public static let put = HTTPMethod(rawValue: "PUT")
    /// The method `DELETE`.
    public static let delete = HTTPMethod(rawValue: "DELETE")
    /// The method `OPTIONS`.
    public static let options = HTTPMethod(rawValue: "OPTIONS")
}
