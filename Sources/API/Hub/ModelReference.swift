import Foundation

/// What a user may call a model: a folder, a name in the cache, or a hub id that has been pulled.
public enum ModelReference {
    /// The folder of a model, or its GGUF file.
    /// - Throws: `HubError.notPulled`, which says to use `facet pull`.
    public static func resolve(_ text: String, in cache: ModelCache) throws(HubError) -> String {
        if ModelCache.isFolder(text) { return text }
        if text.hasSuffix(".gguf"), FileManager.default.fileExists(atPath: text) { return text }
        if let reference = try? HubReference(text) {
            if let folder = cache.resolveAnywhere(text) { return folder }
            if reference.revision == "main", !text.contains("/"),
                let folder = cache.resolve(name: text)
            {
                return folder
            }
        }
        let isPath = text.hasPrefix("/") || text.hasPrefix(".") || text.hasPrefix("~")
        let isFile = [".gguf", ".safetensors", ".bin", ".pt", ".pth"].contains(
            where: text.hasSuffix
        )
        throw isPath || isFile || FileManager.default.fileExists(atPath: text)
            ? .notAFolder(text) : .notPulled(text)
    }
}
