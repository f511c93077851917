/// Sets of characters as the inside of a PCRE2 character class.
enum UnicodeSet {
    /// Unicode's White_Space; PCRE2's own `\s` has U+180E as well.
    static let space =
        #"\t-\r \x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}"#
    static let digit = #"\p{Nd}"#
    static let hexDigit = "0-9a-fA-F"
    /// Alphabetic, marks, digits and connectors.
    static let word =
        #"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}"#
        + #"\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}"#
    /// Outside a class Oniguruma's `\w` has ², ³, ¹, ¼, ½ and ¾ as well.
    static let wordOutsideClass = word + #"\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE}"#
    /// Letters, letter numbers and what else Unicode calls alphabetic.
    static let alphabetic = #"\p{Alphabetic}"#

    /// The set behind `\p{name}` or `[:name:]`; anything unknown is left to PCRE2, which knows all
    /// scripts and short categories.
    static func named(_ name: String) -> String {
        let key = name.lowercased().filter { $0 != "_" && $0 != " " && $0 != "-" }
        if let set = named[key] { return set }
        // A bare script name means its extensions to newer versions of PCRE2.
        let script = "\\p{sc:\(name)}"
        return TokenPattern.compiles(script) ? script : "\\p{\(name)}"
    }

    private static let named: [String: String] = [
        "alnum": alphabetic + digit, "alpha": alphabetic, "ascii": #"\x{0}-\x{7F}"#,
        "blank": #"\t\p{Zs}"#, "cntrl": #"\p{Cc}"#, "digit": digit,
        "graph": #"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf}\p{Co}"#, "lower": #"\p{Lowercase}"#,
        "print": #"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\p{Cf}\p{Co}"#, "punct": #"\p{P}\p{S}"#,
        "space": space, "upper": #"\p{Uppercase}"#, "word": word, "xdigit": hexDigit,
        "any": #"\x{0}-\x{10FFFF}"#, "assigned": #"\P{Cn}"#,
        "letter": #"\p{L}"#, "uppercaseletter": #"\p{Lu}"#, "lowercaseletter": #"\p{Ll}"#,
        "titlecaseletter": #"\p{Lt}"#, "casedletter": #"\p{Lu}\p{Ll}\p{Lt}"#,
        "lc": #"\p{Lu}\p{Ll}\p{Lt}"#, "modifierletter": #"\p{Lm}"#, "otherletter": #"\p{Lo}"#,
        "mark": #"\p{M}"#, "combiningmark": #"\p{M}"#, "nonspacingmark": #"\p{Mn}"#,
        "spacingmark": #"\p{Mc}"#, "enclosingmark": #"\p{Me}"#,
        "number": #"\p{N}"#, "decimalnumber": #"\p{Nd}"#, "letternumber": #"\p{Nl}"#,
        "othernumber": #"\p{No}"#,
        "punctuation": #"\p{P}"#, "connectorpunctuation": #"\p{Pc}"#,
        "dashpunctuation": #"\p{Pd}"#, "openpunctuation": #"\p{Ps}"#,
        "closepunctuation": #"\p{Pe}"#, "initialpunctuation": #"\p{Pi}"#,
        "finalpunctuation": #"\p{Pf}"#, "otherpunctuation": #"\p{Po}"#,
        "symbol": #"\p{S}"#, "mathsymbol": #"\p{Sm}"#, "currencysymbol": #"\p{Sc}"#,
        "modifiersymbol": #"\p{Sk}"#, "othersymbol": #"\p{So}"#,
        "separator": #"\p{Z}"#, "spaceseparator": #"\p{Zs}"#, "lineseparator": #"\p{Zl}"#,
        "paragraphseparator": #"\p{Zp}"#,
        "other": #"\p{C}"#, "control": #"\p{Cc}"#, "format": #"\p{Cf}"#, "surrogate": #"\p{Cs}"#,
        "privateuse": #"\p{Co}"#, "unassigned": #"\p{Cn}"#,
    ]

    /// A scalar as PCRE2 reads it inside and outside classes.
    static func spell(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": String(scalar)
        default: "\\x{" + String(scalar.value, radix: 16, uppercase: true) + "}"
        }
    }
}
