declare const brand: unique symbol;

/** A value of type `T` that only one parser makes: having it is the proof that it was checked. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
