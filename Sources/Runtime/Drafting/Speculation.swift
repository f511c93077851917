/// How far ahead the engine guesses.
public enum Speculation: Sendable, Hashable {
    /// Not at all.
    case off
    /// As far as it pays by measurement: never where more rows cost more than they give.
    case adaptive
    /// So many tokens wherever there is a guess, for tests and measurements.
    case fixed(Int)
}
