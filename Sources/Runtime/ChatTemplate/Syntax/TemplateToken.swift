/// A token of a template.
struct TemplateToken {
    enum Kind: Equatable {
        case data, blockBegin, blockEnd, variableBegin, variableEnd
        case name, string, integer, float, symbol
        case end
    }

    let kind: Kind
    /// The text: of a string its value, of data what is left after whitespace control.
    let utf8: [UInt8]
    /// The line it begins on, counted from 1.
    let line: Int

    /// The text of a name or a symbol, to compare with keywords.
    var text: String { String(decoding: utf8, as: UTF8.self) }
}
