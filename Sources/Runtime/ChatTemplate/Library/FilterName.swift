/// The name a template calls a filter by.
struct FilterName: Sendable {
    let text: String
    /// The filter; `nil` for a name that does not exist, which only matters when it is applied.
    let filter: TemplateFilter?

    init(_ text: String) {
        self.text = text
        filter = TemplateFilter(rawValue: text) ?? TemplateFilter.aliases[text]
    }
}

/// Jinja's filters that make sense in a chat template.
enum TemplateFilter: String, Sendable {
    case abs, attr, batch, capitalize, center, count, `default`, dictsort, escape, filesizeformat
    case first, float, forceescape, format, groupby, indent, int, items, join, last, list, lower
    case map, max, min, pprint, reject, rejectattr, replace, reverse, round, safe, select
    case selectattr, slice, sort, string, sum, title, tojson, trim, truncate, unique
    case upper, urlencode, wordcount, wordwrap

    static let aliases: [String: TemplateFilter] = [
        "d": .default, "e": .escape, "length": .count,
    ]

    /// The names of the parameters after the value.
    var parameters: [PythonString] {
        switch self {
        case .attr: ["name"]
        case .batch: ["linecount", "fill_with"]
        case .center: ["width"]
        case .default: ["default_value", "boolean"]
        case .dictsort: ["case_sensitive", "by", "reverse"]
        case .filesizeformat: ["binary"]
        case .float: ["default"]
        case .groupby: ["attribute", "default", "case_sensitive"]
        case .indent: ["width", "first", "blank"]
        case .int: ["default", "base"]
        case .join: ["d", "attribute"]
        case .max, .min, .unique: ["case_sensitive", "attribute"]
        case .replace: ["old", "new", "count"]
        case .round: ["precision", "method"]
        case .slice: ["slices", "fill_with"]
        case .sort: ["reverse", "case_sensitive", "attribute"]
        case .sum: ["attribute", "start"]
        case .tojson: ["ensure_ascii", "indent", "separators", "sort_keys"]
        case .trim: ["chars"]
        case .truncate: ["length", "killwords", "end", "leeway"]
        case .wordwrap: ["width", "break_long_words", "wrapstring", "break_on_hyphens"]
        default: []
        }
    }
}
