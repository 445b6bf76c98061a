//! Authorization details: requested and granted (RFC 9396 §2).

use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::error::{DetailsFault, DetailsMember as Member, Error, Misuse};
use crate::wire::object::{self, Extra, Members, Scalar, Table};

/// What a client asks for, or a server grants, in finer detail than a scope: a list of objects, each with a `type` that
/// the API defines (RFC 9396 §2).
///
/// It is kept as JSON text, exactly as it was written. `Debug` shows no content: it can describe a payment or a patient.
///
/// ```
/// use grantflow::AuthorizationDetails;
///
/// #[derive(serde::Serialize)]
/// struct Payment<'a> { r#type: &'a str, actions: &'a [&'a str], amount: &'a str, currency: &'a str }
///
/// let payment = Payment { r#type: "payment_initiation", actions: &["initiate"], amount: "123.50", currency: "EUR" };
/// let details = AuthorizationDetails::new(&[payment])?;
/// assert_eq!(details.types().collect::<Vec<_>>(), ["payment_initiation"]);
/// # Ok::<(), grantflow::Error>(())
/// ```
#[derive(Clone)]
pub struct AuthorizationDetails {
    json: Zeroizing<String>,
    types: Vec<Box<str>>,
}

/// Longer texts fit into no request: servers refuse them.
const MAX_LEN: usize = 64 * 1024;

impl AuthorizationDetails {
    /// Details from a list of your values, each with a field `type`.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`], which says what is wrong.
    pub fn new<T: Serialize + ?Sized>(details: &T) -> Result<Self, Error> {
        let text = serde_json::to_string(details).map(Zeroizing::new);
        Self::from_json(&text.map_err(|_| fault(DetailsFault::NotWritable))?)
    }

    /// Details from JSON text: a list of objects, each with a `type`. The common members (`locations`, `actions`,
    /// `datatypes`, `identifier`, `privileges`) must have the types of RFC 9396 §2.2.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`], which says what is wrong.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let details = Self::parse(text).map_err(fault)?;
        if details.types.is_empty() {
            return Err(fault(DetailsFault::Empty));
        }
        for object in details.raw() {
            if let Some(member) = object.ok_or(fault(DetailsFault::NotAList))?.misshapen() {
                return Err(fault(DetailsFault::Member(member)));
            }
        }
        Ok(details)
    }

    /// Details that a server once granted, from a store.
    pub(crate) fn of_a_server(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    /// Details as a server grants them: nothing more than what makes them readable is demanded.
    fn parse(text: &str) -> Result<Self, DetailsFault> {
        let text = text.trim_ascii();
        if text.len() > MAX_LEN {
            return Err(DetailsFault::TooLong);
        }
        let objects: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| DetailsFault::NotAList)?;
        let types = objects.iter().map(|object| Object::read(object)?.kind()).collect::<Result<_, _>>()?;
        Ok(Self { json: Zeroizing::new(text.to_owned()), types })
    }

    /// The types of the details, in their order. A type may occur more than once.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|kind| &**kind)
    }

    /// The JSON text: a list of objects.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// All details as a value of your type: a list of a struct, or of an enum with `#[serde(tag = "type")]`.
    ///
    /// # Errors
    /// [`Misuse::Extra`] if they do not fit `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.json).map_err(|_| Error::Misuse(Misuse::Extra))
    }

    /// The details of one type, each as a value of your type, in their order. Empty if there are none.
    ///
    /// # Errors
    /// [`Misuse::Extra`] if one of them does not fit `T`.
    pub fn of_type<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, Error> {
        let unfit = Error::Misuse(Misuse::Extra);
        let objects: Vec<&RawValue> = serde_json::from_str(&self.json).map_err(|_| unfit.clone())?;
        let wanted = self.types().zip(objects).filter(|(known, _)| *known == kind);
        wanted.map(|(_, object)| serde_json::from_str(object.get()).map_err(|_| unfit.clone())).collect()
    }

    fn raw(&self) -> impl Iterator<Item = Option<Object<'_>>> {
        let objects: Vec<&RawValue> = serde_json::from_str(&self.json).unwrap_or_default();
        objects.into_iter().map(|object| Object::read(object).ok())
    }
}

impl fmt::Debug for AuthorizationDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorizationDetails([{} details])", self.types.len())
    }
}

fn fault(fault: DetailsFault) -> Error {
    Error::Misuse(Misuse::AuthorizationDetails(fault))
}

/// The authorization details that a server says it granted (RFC 9396 §7).
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a program that decides by them must know every case")]
pub enum GrantedDetails {
    /// The server says nothing about them. A server that knows authorization details must say what it granted, so none
    /// were granted, or it does not know them.
    NotSaid,
    /// What the token is for. It may be less than what was requested, also an empty list, and it may hold more, such as the
    /// accounts that the person has chosen (RFC 9396 §7.1).
    Granted(AuthorizationDetails),
    /// The member is there, and is not a list of objects with a `type`: what was granted is unknown.
    Unreadable,
}

impl GrantedDetails {
    /// Reads the member among those that an answer has beside its own.
    pub(crate) fn of(extra: &Extra) -> Self {
        const NAME: &str = "authorization_details";
        match extra.member(NAME) {
            Ok(None) => Self::NotSaid,
            Ok(Some(text)) => AuthorizationDetails::parse(&text).map_or(Self::Unreadable, Self::Granted),
            Err(()) => Self::Unreadable,
        }
    }

    /// The granted details, if the server says them and they can be read.
    pub fn granted(&self) -> Option<&AuthorizationDetails> {
        match self {
            Self::Granted(details) => Some(details),
            Self::NotSaid | Self::Unreadable => None,
        }
    }
}

impl Table for Member {
    const ALL: &'static [Self] =
        &[Self::Type, Self::Locations, Self::Actions, Self::Datatypes, Self::Identifier, Self::Privileges];

    type Slots<'a> = [Option<Scalar<'a>>; 6];

    fn name(self) -> &'static str {
        self.as_str()
    }

    fn slot(self) -> usize {
        self as usize
    }

    fn is_raw(self) -> bool {
        !matches!(self, Self::Type | Self::Identifier)
    }
}

/// One of the details.
struct Object<'a>(Members<'a, Member>);

impl<'a> Object<'a> {
    fn read(object: &'a RawValue) -> Result<Self, DetailsFault> {
        let mut members = Members::default();
        object::read::<Member, true>(object.get(), None, None, &mut members).map_err(|_| DetailsFault::NotAnObject)?;
        match members.doubled() {
            Some(member) => Err(DetailsFault::Member(member)),
            None => Ok(Self(members)),
        }
    }

    fn kind(mut self) -> Result<Box<str>, DetailsFault> {
        self.0.required(Member::Type).map(|kind| kind.as_ref().into()).map_err(|_| DetailsFault::NoType)
    }

    /// The first common member whose value is not what RFC 9396 §2.2 says.
    fn misshapen(mut self) -> Option<Member> {
        Member::ALL.iter().copied().find(|member| match member {
            Member::Type => false,
            Member::Identifier => !matches!(self.0.take(*member), None | Some(Scalar::Text(_))),
            _ => self.0.texts(*member).fault().is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_found_by_its_name_and_has_a_slot() {
        for (at, member) in Member::ALL.iter().enumerate() {
            assert_eq!(Member::named(member.name()), Some(*member));
            assert_eq!(member.slot(), at);
        }
    }
}
