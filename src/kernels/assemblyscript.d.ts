/** What AssemblyScript calls some types, in files that it and TypeScript both read. */
declare type i32 = number;
declare type bool = boolean;
