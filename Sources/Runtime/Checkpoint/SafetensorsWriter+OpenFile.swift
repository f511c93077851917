extension SafetensorsWriter where Failure == FileSystemError {
    /// Writes the file at the position of `output`.
    public func write(to output: borrowing OpenFile) throws(FileSystemError) {
        try write { (bytes) throws(FileSystemError) in try output.write(bytes) }
    }
}
