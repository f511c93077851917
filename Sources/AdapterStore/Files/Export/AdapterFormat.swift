/// The forms an adapter leaves the store in.
public enum AdapterFormat: String, Sendable, CaseIterable {
    /// A PEFT directory; weights and configuration byte for byte as they came.
    case peft
    /// A tar archive of that directory.
    case tar
    /// llama.cpp's LoRA file.
    case gguf
}
