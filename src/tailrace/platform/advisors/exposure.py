"""Checks of what the API shows although row-level security cannot guard it."""

from tailrace.platform.advisors.check import Check
from tailrace.platform.advisors.issue import Category, Level

SENSITIVE = (
    *("password", "passwd", "pwd", "passphrase", "secret", "secret_key", "private_key", "api_key", "apikey"),
    *("auth_key", "auth_code", "token", "jwt", "access_token", "refresh_token", "oauth_token", "bearer_token"),
    *("session_id", "session_key", "session_secret", "session_token"),
    *("otp", "two_factor", "2fa_code", "2fa_secret", "backup_code", "recovery_code", "verification_code"),
    *("ssn", "social_security", "social_security_number", "national_id", "passport_id", "passport_number", "tax_id"),
    *("driver_license", "drivers_license", "license_number"),
    *("account_number", "bank_account", "bic", "card_number", "credit_card", "cvc", "cvn", "cvv", "iban"),
    *("routing_number", "swift_code"),
    *("health_insurance", "health_record", "insurance_number", "medical_insurance", "medical_record", "patient_id"),
    *("treatment", "facial_recognition", "device_uuid", "imei", "mac_address", "macaddr"),
    *("activation_key", "certificate", "gpg_key", "license_key", "pgp_key", "ssh_key"),
)
"""Names of columns that hold secrets, in lower case and with underscores."""

SENSITIVE_COLUMNS = Check(
    name="sensitive_columns_exposed",
    title="Sensitive columns exposed",
    level=Level.ERROR,
    categories=(Category.SECURITY,),
    description="A table without row-level security shows the API's roles columns that by their names hold secrets.",
    query=r"""
    select
        array[r.schema, r.name],
        format('Table `%s.%s` has no row-level security, and shows %s: %s.', r.schema, r.name,
            array_to_string(access.roles, ', '), string_agg(format('`%s`', c.attname), ', ' order by c.attname)),
        jsonb_build_object('schema', r.schema, 'name', r.name, 'type', 'table', 'exposed_to', access.roles,
            'sensitive_columns', array_agg(c.attname order by c.attname)),
        format('alter table %I.%I enable row level security;', r.schema, r.name)
    from relation r
    join pg_attribute c on c.attrelid = r.oid and c.attnum > 0 and not c.attisdropped
    join table_access access on access.oid = r.oid
    where not r.has_rls
        and replace(lower(c.attname), '-', '_') = any ('{SENSITIVE}')
    group by r.schema, r.name, access.roles
    """.replace("SENSITIVE", ",".join(SENSITIVE)),
)

DEFINER_VIEW = Check(
    name="security_definer_view",
    title="Security definer view",
    level=Level.ERROR,
    categories=(Category.SECURITY,),
    description="A view reads its tables with its owner's rights, past the policies that hold for the caller.",
    since=150000,
    query=r"""
    select
        array[r.schema, r.name],
        format('View `%s.%s` reads with its owner''s rights and is open to %s.', r.schema, r.name,
            array_to_string(reader.roles, ', ')),
        jsonb_build_object('schema', r.schema, 'name', r.name, 'type', 'view', 'exposed_to', reader.roles),
        format('alter view %I.%I set (security_invoker = on);', r.schema, r.name)
    from relation r
    join reader on reader.oid = r.oid
    where r.kind = 'v' and not r.is_invoker
    """,
)

MATERIALIZED_VIEW = Check(
    name="materialized_view_in_api",
    title="Materialized view in API",
    level=Level.WARN,
    categories=(Category.SECURITY,),
    description="The API's roles can read a materialized view, which row-level security cannot guard.",
    query=r"""
    select
        array[r.schema, r.name],
        format('Materialized view `%s.%s` is open to %s.', r.schema, r.name, array_to_string(reader.roles, ', ')),
        jsonb_build_object('schema', r.schema, 'name', r.name, 'type', 'materialized view',
            'exposed_to', reader.roles),
        format('revoke select on %I.%I from public, %s;', r.schema, r.name, (select list from api_roles_sql))
    from relation r
    join reader on reader.oid = r.oid
    where r.kind = 'm'
    """,
)

FOREIGN_TABLE = Check(
    name="foreign_table_in_api",
    title="Foreign table in API",
    level=Level.WARN,
    categories=(Category.SECURITY,),
    description="The API's roles can read a foreign table, which row-level security cannot guard.",
    query=r"""
    select
        array[r.schema, r.name],
        format('Foreign table `%s.%s` is open to %s.', r.schema, r.name, array_to_string(reader.roles, ', ')),
        jsonb_build_object('schema', r.schema, 'name', r.name, 'type', 'foreign table', 'exposed_to', reader.roles),
        format('revoke select on %I.%I from public, %s;', r.schema, r.name, (select list from api_roles_sql))
    from relation r
    join reader on reader.oid = r.oid
    where r.kind = 'f'
    """,
)
