/// How much the holder of a key may use; `nil` is without limit.
public struct KeyLimits: Sendable, Hashable {
    /// Requests in any minute.
    public var requestsPerMinute: Int?
    /// Tokens, prompts and answers together, in any minute.
    public var tokensPerMinute: Int?
    /// Requests at the same time.
    public var parallelRequests: Int?
    /// Bytes of all files of the tenant together.
    public var storedBytes: Int?

    /// No limits but those given.
    public init(
        requestsPerMinute: Int? = nil,
        tokensPerMinute: Int? = nil,
        parallelRequests: Int? = nil,
        storedBytes: Int? = nil
    ) {
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.parallelRequests = parallelRequests
        self.storedBytes = storedBytes
    }

    /// Name in files and on the command line → the limit.
    static let names: [(name: String, path: any WritableKeyPath<KeyLimits, Int?> & Sendable)] = [
        ("requests_per_minute", \.requestsPerMinute),
        ("tokens_per_minute", \.tokensPerMinute),
        ("parallel_requests", \.parallelRequests),
        ("stored_bytes", \.storedBytes),
    ]

    /// Reads a list such as `requests_per_minute=60,stored_bytes=2GB`.
    ///
    /// Short names do too: `requests`, `tokens`, `parallel`, `bytes`.
    public init(parsing text: String) throws(KeyFileError) {
        self.init()
        for item in text.split(separator: ",") {
            let parts = item.split(separator: "=", maxSplits: 1).map { part in
                String(part.filter { $0 != " " })
            }
            guard parts.count == 2, let amount = Self.amount(parts[1]) else {
                throw .invalidArgument("'\(item)' is no limit; write NAME=NUMBER")
            }
            guard let (_, path) = Self.names.first(where: { Self.means(parts[0], $0.name) }) else {
                let known = Self.names.map(\.name).joined(separator: ", ")
                throw .invalidArgument("'\(parts[0])' is no limit; limits are \(known)")
            }
            self[keyPath: path] = amount
        }
    }

    private static func means(_ word: String, _ name: String) -> Bool {
        let short = name.split(separator: "_")
        return word == name || word == String(name == "stored_bytes" ? short[1] : short[0])
    }

    /// A positive whole number, with `K`, `M`, `G` or `KB`, `MB`, `GB` for powers of 1000.
    private static func amount(_ text: String) -> Int? {
        let digits = text.prefix { $0.isNumber }
        let unit = text.dropFirst(digits.count).uppercased()
        let factors = ["": 1, "K": 1000, "M": 1_000_000, "G": 1_000_000_000]
        guard let number = Int(digits), number > 0,
            let factor = factors[unit.hasSuffix("B") ? String(unit.dropLast()) : unit]
        else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
}
