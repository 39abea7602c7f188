"""Everything that can go wrong in the server's own vocabulary.

* ServerError
    + NotSignedIn                   401  not_signed_in
    + NotAllowed                    403  not_allowed
        - FormExpired               403  form_expired
        - DetailWithheld            403  detail_withheld
    + NotFound                      404  not_found
    + Conflict                      409
        - TruthMissing              409  truth_missing
        - ClassCountDiffers         409  class_count_differs
        - AlreadyExists             409  already_exists
        - EntryNotShown             409  entry_not_shown
        - EntriesUnlike             409  entries_unlike
    + TooLarge                      413  archive_too_large
    + Refused                       422
        - SignInRefused             422  sign_in_refused
        - FieldInvalid              422  field_invalid
        - UploadMalformed           422  upload_malformed
        - ArchiveEmpty              422  archive_empty
        - DeclarationsIncomplete    422  declarations_incomplete
        - DeclarationsContradict    422  declarations_contradict
    + DatabaseUnavailable           503  database_unavailable
    + StorageUnavailable            503  storage_unavailable
    + StorageFull                   507  storage_full

A code never changes its meaning: programs rely on it. The message of an error is a sentence for
the person who must act; the docstring of its class, shown at /docs/errors, says what happened and,
after a gap, what to do.
"""


class ServerError(Exception):
    """The server met something that it did not foresee: our fault, not yours.

    It was logged. Please try again.
    """

    status: int = 500
    code: str = "server_error"
    title: str = "Something went wrong"

    def __init__(self, message: str, **details: object) -> None:
        """Keep ``details``, JSON values that a program may want beside the sentence."""
        super().__init__(message)
        self.message = message
        self.details = details


class NotSignedIn(ServerError):
    """Nobody is signed in, or the token is unknown, revoked or expired.

    Sign in, or send a token that is valid in the header Authorization: Bearer.
    """

    status = 401
    code = "not_signed_in"
    title = "Sign in first"


class NotAllowed(ServerError):
    """You are known, and may not do this.

    A token of scope read cannot submit: make one of scope submit.
    """

    status = 403
    code = "not_allowed"
    title = "Not allowed"


class FormExpired(NotAllowed):
    """The form was opened before the last sign-in, or does not come from this site.

    Load its page again and send it once more.
    """

    code = "form_expired"
    title = "This form has expired"


class DetailWithheld(NotAllowed):
    """The board of a hidden split shows no scores per class.

    Its organizers decide what it shows; the headline scores are open to everyone.
    """

    code = "detail_withheld"
    title = "This board shows no more"


class NotFound(ServerError):
    """There is no such thing, or it is not yours to read.

    For a misspelt word the message says which one was probably meant.
    """

    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(ServerError):
    """What is there already stands in the way of the request."""

    status = 409
    code = "conflict"
    title = "Not possible now"


class TruthMissing(Conflict):
    """The split has no masks on this server, so nothing can be scored.

    The submit page lists the splits that can be submitted to.
    """

    code = "truth_missing"
    title = "Nothing to score against yet"


class ClassCountDiffers(Conflict):
    """The masks have another number of categories than their data set.

    Only operators meet this one: pass the number that the data set has.
    """

    code = "class_count_differs"
    title = "Another number of categories"


class AlreadyExists(Conflict):
    """The name is taken.

    Choose another one, or use what is there.
    """

    code = "already_exists"
    title = "There already is one"


class EntryNotShown(Conflict):
    """The entry is private, or has no scores, so no board can show it.

    Publish it first, or choose another entry.
    """

    code = "entry_not_shown"
    title = "A board cannot show this entry"


class EntriesUnlike(Conflict):
    """The entries were not scored on the same masks, or what comparing needs was not kept of one.

    Compare entries of one data set and split that were scored under its truth in force.
    """

    code = "entries_unlike"
    title = "These entries cannot be compared"


class TooLarge(ServerError):
    """The body of the request has more bytes than are taken.

    Masks compress well: look for other files in the archive.
    """

    status = 413
    code = "archive_too_large"
    title = "The archive is too large"


class Refused(ServerError):
    """The request was understood, and cannot be taken as it is.

    The message says what to change.
    """

    status = 422
    code = "refused"
    title = "Please correct this"


class SignInRefused(Refused):
    """No account has this address and this password.

    Check both: the answer does not say which of them is wrong.
    """

    code = "sign_in_refused"
    title = "E-mail and password do not match"


class FieldInvalid(Refused):
    """A field is missing, or holds what it may not.

    The message names the field and what it may hold.
    """

    code = "field_invalid"


class UploadMalformed(Refused):
    """The form is no multipart/form-data, is cut short, or goes on after the archive.

    Send the fields first and the archive last, and send it again if it was cut short.
    """

    code = "upload_malformed"
    title = "The upload could not be read"


class ArchiveEmpty(Refused):
    """No archive came, or one without bytes.

    Choose the zip of masks.
    """

    code = "archive_empty"
    title = "The archive is empty"


class DeclarationsIncomplete(Refused):
    """Not each of the seven facts was answered with yes or no.

    The message lists those that are missing or unknown.
    """

    code = "declarations_incomplete"
    title = "Some facts are not declared"


class DeclarationsContradict(Refused):
    """A declared yes is one that the protocol does not allow.

    The message names the facts, and the protocol that would take the entry.
    """

    code = "declarations_contradict"
    title = "Another protocol takes this entry"


class StorageUnavailable(ServerError):
    """The store of archives does not answer: its operators' fault, not yours.

    Nothing of the upload was kept, and what was submitted before is safe. Send it again later.
    """

    status = 503
    code = "storage_unavailable"
    title = "Archives cannot be stored now"


class StorageFull(ServerError):
    """The server has no room for another archive: its operators' fault, not yours.

    Nothing of the upload was kept, and what was submitted before is safe. Send it again later.
    """

    status = 507
    code = "storage_full"
    title = "The server's disk is full"


class DatabaseUnavailable(ServerError):
    """The database does not answer, or was busy for too long.

    Nothing of the request was kept. Please try again in a moment.
    """

    status = 503
    code = "database_unavailable"
    title = "Please try again in a moment"
