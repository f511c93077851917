/// The scalars of Unicode's general categories.
enum UnicodeCategory {
    /// The set of a category by its short or long name, or `nil`.
    static func set(named name: String) -> ScalarSet? {
        let name = name.split(separator: "=").last.map(String.init) ?? name
        switch name {
        case "Any": return .all
        case "ASCII": return ScalarSet([0...0x7F])
        default: break
        }
        let key = longNames[name] ?? name
        let members = sets.filter { $0.key.hasPrefix(key) }
        guard key.utf8.count <= 2, !members.isEmpty, !key.isEmpty else { return nil }
        return ScalarSet(members.flatMap(\.value.ranges))
    }

    private static let longNames = [
        "Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Mark": "M",
        "Number": "N", "Decimal_Number": "Nd", "Punctuation": "P", "Symbol": "S",
        "Separator": "Z", "Space_Separator": "Zs", "Other": "C", "digit": "Nd", "punct": "P",
    ]

    /// Every category by its short name; made once, when a pattern first asks.
    private static let sets: [String: ScalarSet] = {
        var ranges: [String: [ClosedRange<UInt32>]] = [:]
        var start: UInt32 = 0
        var current = ""
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let name = shortName(scalar.properties.generalCategory)
            if name != current {
                if value > 0 { ranges[current, default: []].append(start...(value - 1)) }
                start = value
                current = name
            }
        }
        ranges[current, default: []].append(start...0x10FFFF)
        return ranges.mapValues { ScalarSet($0) }
    }()

    private static func shortName(_ category: Unicode.GeneralCategory) -> String {
        switch category {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
