/// The formats that strings are held to; all others are annotations.
enum SchemaFormat: String, CaseIterable, Sendable {
    case dateTime = "date-time"
    case date, time, duration, email, hostname, ipv4, ipv6, uuid, uri

    /// The format as a regular expression of whole texts.
    var pattern: String {
        switch self {
        case .date: Self.fullDate
        case .time: Self.fullTime
        case .dateTime: "(?:\(Self.fullDate))[Tt](?:\(Self.fullTime))"
        case .duration: Self.fullDuration
        case .email:
            "(?:\(Self.atom)(?:\\.\(Self.atom))*|\"\(Self.quoted)*\")@(?:\(Self.domain)|\\[(?:\(Self.address4)|IPv6:\(Self.address6))\\])"
        case .hostname: "(?=.{1,253}$)\(Self.domain)"
        case .ipv4: Self.address4
        case .ipv6: Self.address6
        case .uuid: "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
        case .uri: Self.absoluteURI
        }
    }

    // RFC 3339, with the days that each month has.
    private static let leapYear =
        "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
    private static let fullDate =
        "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
        + "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|\(leapYear)-02-29)"
    private static let fullTime =
        "(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?"
        + "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])|23:59:60(?:\\.[0-9]+)?[Zz])"

    // RFC 3339, appendix A.
    private static let clock =
        "T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
    private static let days = "[0-9]+D"
    private static let fullDuration =
        "P(?:[0-9]+W|(?:[0-9]+Y(?:[0-9]+M(?:\(days))?)?|[0-9]+M(?:\(days))?|\(days))(?:\(clock))?"
        + "|\(clock))"

    // RFC 5321 and 1123.
    private static let atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
    private static let quoted = "(?:[ !#-\\[\\]-~]|\\\\[ -~])"
    private static let label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    private static let domain = "\(label)(?:\\.\(label))*"

    private static let octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
    private static let address4 = "\(octet)\\.\(octet)\\.\(octet)\\.\(octet)"
    // RFC 3986's IPv6address.
    private static let address6: String = {
        let h = "[0-9a-fA-F]{1,4}"
        let low = "(?:\(h):\(h)|\(address4))"
        return [
            "(?:\(h):){6}\(low)", "::(?:\(h):){5}\(low)", "(?:\(h))?::(?:\(h):){4}\(low)",
            "(?:(?:\(h):){0,1}\(h))?::(?:\(h):){3}\(low)",
            "(?:(?:\(h):){0,2}\(h))?::(?:\(h):){2}\(low)",
            "(?:(?:\(h):){0,3}\(h))?::\(h):\(low)", "(?:(?:\(h):){0,4}\(h))?::\(low)",
            "(?:(?:\(h):){0,5}\(h))?::\(h)", "(?:(?:\(h):){0,6}\(h))?::",
        ].map { "(?:\($0))" }.joined(separator: "|")
    }()

    // RFC 3986.
    private static let absoluteURI: String = {
        let unreserved = "A-Za-z0-9._~\\-"
        let delimiters = "!$&'()*+,;="
        let encoded = "%[0-9A-Fa-f]{2}"
        let pchar = "(?:[\(unreserved)\(delimiters):@]|\(encoded))"
        let user = "(?:[\(unreserved)\(delimiters):]|\(encoded))*@"
        let name = "(?:[\(unreserved)\(delimiters)]|\(encoded))*"
        let host =
            "(?:\\[(?:\(address6)|v[0-9A-Fa-f]+\\.[\(unreserved)\(delimiters):]+)\\]|\(name))"
        let authority = "(?:\(user))?\(host)(?::[0-9]*)?"
        let path =
            "(?://\(authority)(?:/\(pchar)*)*|/(?:\(pchar)+(?:/\(pchar)*)*)?"
            + "|\(pchar)+(?:/\(pchar)*)*|)"
        let tail = "(?:\(pchar)|[/?])*"
        return "[A-Za-z][A-Za-z0-9+.\\-]*:\(path)(?:\\?\(tail))?(?:#\(tail))?"
    }()
}
