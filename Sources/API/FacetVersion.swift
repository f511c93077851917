/// Which facet this is.
public enum FacetVersion {
    /// The version, as `facet --version` and `/version` say it.
    public static let text = "0.1.0"
}
