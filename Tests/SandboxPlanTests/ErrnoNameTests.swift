import Glibc
import SandboxPlan
import Testing

@Suite struct ErrnoNameTests {
    /// glibc's own table, by the name that errno(3) gives the function since 2.32.
    private func libraryName(_ number: Int32) throws -> String? {
        let symbol = try #require(dlsym(nil, "strerrorname_np"))
        typealias Function = @convention(c) (Int32) -> UnsafePointer<CChar>?
        return unsafeBitCast(symbol, to: Function.self)(number).map { String(cString: $0) }
    }

    @Test func everyNumberIsNamedAsInTheCLibrary() throws {
        for number in Int32(1)...133 {
            // glibc calls 95 by its older name; the kernel has one number for both.
            let library = try libraryName(number).map { $0 == "ENOTSUP" ? "EOPNOTSUPP" : $0 }
            #expect(ErrnoName.name(number) == library ?? "errno \(number)")
        }
    }

    @Test func theWordsAreThoseOfThePosixLocale() {
        for number in Int32(1)...133 {
            guard let words = ErrnoName.words(number) else { continue }
            #expect(String(cString: strerror(number)) == words)
        }
        #expect(ErrnoName.words(1) == "Operation not permitted")
    }

    @Test(arguments: [Int32.min, -1, 0, 41, 58, 134, .max]) func otherNumbersHaveNoName(_ number: Int32) {
        #expect(ErrnoName.name(number) == "errno \(number)")
        #expect(ErrnoName.words(number) == nil)
        #expect(ErrnoName.described(number) == "errno \(number)")
    }

    @Test func bothAreDescribedTogether() {
        #expect(ErrnoName.described(13) == "EACCES (Permission denied)")
    }
}
