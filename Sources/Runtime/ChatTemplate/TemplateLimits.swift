/// What one template may cost.
///
/// A template that asks for more gets an error of kind `limit`.
///
/// The defaults leave a 32 MB conversation room and stop a hostile template within two seconds.
public struct TemplateLimits: Sendable, Hashable {
    /// Evaluated expressions and statements, and work of library functions in units of 64 bytes or
    /// one element.
    public var steps = 10_000_000
    /// Processor time of one rendering, which a busy machine does not shorten.
    public var seconds = 2.0
    /// Macro calls, `caller()` and recursive loops open at once.
    public var callDepth = 200
    /// Expressions open at once, over all open calls.
    public var evaluationDepth = 4_000
    /// Nesting of lists and mappings; also of parentheses and blocks in the source.
    public var nesting = 200
    /// Bytes of a template's source.
    public var sourceBytes = 1 << 20
    /// Bytes of the rendered text, and of any one string on the way.
    public var textBytes = 64 << 20
    /// Bytes of all strings and lists made on the way.
    ///
    /// Long strings count while they are alive,
    /// everything else until the rendering ends. Four times the bytes of the variables come on top.
    public var allocatedBytes = 64 << 20
    /// Items of a `range`, as Jinja's sandbox has it.
    public var rangeLength = 100_000

    /// The default limits.
    public init() {}
}
