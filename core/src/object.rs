//! JSON objects that are read from objects alone.
//!
//! What serde derives for a struct takes an array too, its values in the order of the fields. Of a record that somebody sends, that
//! would be a guess: an array where an object belongs is refused instead, with its place.

/// Writes `Deserialize`, and without `read:` in front `Serialize` too, of structs that derive them with `#[serde(remote = "Self")]`,
/// which leaves them with functions of their own by these names: whoever calls one by the name of the struct has to say
/// `<Name as Deserialize>`. Reading one from anything but a map is an error: an invalid type,
/// `an object` being expected.
#[macro_export]
macro_rules! from_objects_alone {
    (read: $($name:ident)+) => {
        $(
            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Object;

                    impl<'de> serde::de::Visitor<'de> for Object {
                        type Value = $name;

                        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                            f.write_str("an object")
                        }

                        fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                            $name::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                        }
                    }

                    deserializer.deserialize_map(Object)
                }
            }
        )+
    };
    ($($name:ident)+) => {
        $(
            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    Self::serialize(self, serializer)
                }
            }
        )+

        $crate::from_objects_alone! { read: $($name)+ }
    };
}
