"""Everything that can go wrong in the server's own vocabulary.

* ServerError
    + NotSignedIn                   401  not_signed_in
    + NotAllowed                    403  not_allowed
        - FormExpired               403  form_expired
    + NotFound                      404  not_found
    + Conflict                      409
        - TruthMissing              409  truth_missing
        - ClassCountDiffers         409  class_count_differs
        - AlreadyExists             409  already_exists
    + TooLarge                      413  archive_too_large
    + Refused                       422
        - SignInRefused             422  sign_in_refused
        - FieldInvalid              422  field_invalid
        - UploadMalformed           422  upload_malformed
        - ArchiveEmpty              422  archive_empty
        - DeclarationsIncomplete    422  declarations_incomplete
        - DeclarationsContradict    422  declarations_contradict

A code never changes its meaning: programs rely on it.
"""


class ServerError(Exception):
    """Base of all; the message is a sentence for the person who must act."""

    status: int = 500
    code: str = "server_error"
    title: str = "Something went wrong"

    def __init__(self, message: str, **details: object) -> None:
        """Keep ``details``, JSON values that a program may want beside the sentence."""
        super().__init__(message)
        self.message = message
        self.details = details


class NotSignedIn(ServerError):
    status = 401
    code = "not_signed_in"
    title = "Sign in first"


class NotAllowed(ServerError):
    status = 403
    code = "not_allowed"
    title = "Not allowed"


class FormExpired(NotAllowed):
    code = "form_expired"
    title = "This form has expired"


class NotFound(ServerError):
    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(ServerError):
    status = 409
    code = "conflict"
    title = "Not possible now"


class TruthMissing(Conflict):
    code = "truth_missing"
    title = "Nothing to score against yet"


class ClassCountDiffers(Conflict):
    code = "class_count_differs"
    title = "Another number of categories"


class AlreadyExists(Conflict):
    code = "already_exists"
    title = "There already is one"


class TooLarge(ServerError):
    status = 413
    code = "archive_too_large"
    title = "The archive is too large"


class Refused(ServerError):
    status = 422
    code = "refused"
    title = "Please correct this"


class SignInRefused(Refused):
    code = "sign_in_refused"
    title = "E-mail and password do not match"


class FieldInvalid(Refused):
    code = "field_invalid"


class UploadMalformed(Refused):
    code = "upload_malformed"
    title = "The upload could not be read"


class ArchiveEmpty(Refused):
    code = "archive_empty"
    title = "The archive is empty"


class DeclarationsIncomplete(Refused):
    code = "declarations_incomplete"
    title = "Some facts are not declared"


class DeclarationsContradict(Refused):
    code = "declarations_contradict"
    title = "Another protocol takes this entry"
