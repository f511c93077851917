/// The versions of Unicode whose tables the reference implementation uses.
///
/// Ids depend on them: a mark that a table does not know is neither reordered nor stripped.
enum UnicodeVersion {
    /// Of normalization forms and of `StripAccents`.
    static let normalization = 9
    /// Of BERT's categories and of punctuation.
    static let categories = 8
}

extension Unicode.Scalar {
    /// Whether a scalar was assigned in a version of Unicode.
    func isAssigned(in version: Int) -> Bool {
        // All below was there from the beginning.
        if value < 0x180 { return true }
        guard let age = properties.age else { return false }
        return age.major <= version
    }
}
