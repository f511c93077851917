/// Whose settings of Jinja a template is read with.
public enum TemplateStyle: Sendable, Hashable {
    /// Those of transformers for chat templates: `trim_blocks`, `lstrip_blocks`, what is undefined
    /// renders as nothing.
    case chat
    /// Those of lm-evaluation-harness for its tasks: Jinja's own, but the last newline is kept and what
    /// is undefined is an error.
    case task
}
