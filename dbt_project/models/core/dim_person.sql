-- depends_on: {{ ref('int_person__touched') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_person__touched', 'columns': ['person_key']}},
    indexes=[
        {'columns': ['person_version_key'], 'unique': true},
        {'columns': ['person_key', 'valid_from'], 'unique': true}
    ]
) }}
-- One row per person and version. Registered persons follow the registry, the others what the newest record of any flow says.
with identity as (
    select
        identity.person_ref,
        identity.person_key
    from {{ source('raw', 'identity__person') }} as identity
    {% if is_incremental() %}
        inner join {{ ref('int_person__touched') }} as touched
            on identity.person_key = touched.person_key
    {% endif %}
),

-- Two registry records of one person on one day: the one that is there wins over the one that goes.
registry_change as (
    select distinct on (identity.person_key, change.snapshot_on)
        identity.person_key,
        change.snapshot_on,
        change.change_type <> 'close' as is_registered,
        change.sex_code,
        change.birth_month_on,
        change.citizenship_code,
        change.residence_comune_code,
        change.residence_ausl_code,
        change.assistance_ausl_code,
        change.status_code,
        change.status_on,
        change.death_on
    from {{ ref('stg_naar__change') }} as change
    inner join identity
        on change.person_ref = identity.person_ref
    order by identity.person_key, change.snapshot_on, change.change_type = 'close', change.person_ref
),

-- Who leaves the registry keeps the sex, birth, citizenship and death of the last version in it.
stretch as (
    select
        change.*,
        count(*) filter (where change.is_registered) over (partition by change.person_key order by change.snapshot_on) as stretch_number
    from registry_change as change
),

kept as (
    select
        person_key,
        snapshot_on,
        is_registered,
        case when is_registered then sex_code else first_value(sex_code) over same_stretch end as sex_code,
        case when is_registered then birth_month_on else first_value(birth_month_on) over same_stretch end as birth_month_on,
        case when is_registered then citizenship_code else first_value(citizenship_code) over same_stretch end as citizenship_code,
        case when is_registered then death_on else first_value(death_on) over same_stretch end as death_on,
        residence_comune_code,
        residence_ausl_code,
        assistance_ausl_code,
        status_code,
        status_on
    from stretch
    window same_stretch as (partition by person_key, stretch_number order by snapshot_on)
),

-- A change of what only the vault knows makes no version here.
seen as (
    select
        change.*,
        md5(
            row(
                change.is_registered,
                change.sex_code,
                change.birth_month_on,
                change.citizenship_code,
                change.residence_comune_code,
                change.residence_ausl_code,
                change.assistance_ausl_code, change.status_code, change.status_on, change.death_on
            )::text
        ) as content
    from kept as change
),

compared as (
    select
        seen.*,
        lag(seen.content) over (partition by seen.person_key order by seen.snapshot_on) as content_before
    from seen
),

registered as (
    select
        compared.*,
        lag(compared.snapshot_on) over (partition by compared.person_key order by compared.snapshot_on) is null as is_first,
        lead(compared.snapshot_on) over (partition by compared.person_key order by compared.snapshot_on) - 1 as last_on
    from compared
    where compared.content is distinct from compared.content_before
),

version as (
    select
        person_key,
        'registry' as person_source,
        case when is_first then date '1900-01-01' else snapshot_on end as valid_from,
        coalesce(last_on, date '9999-12-31') as valid_to,
        snapshot_on as registered_from,
        is_registered,
        sex_code,
        birth_month_on,
        cast(extract(year from birth_month_on) as smallint) as birth_year,
        citizenship_code,
        residence_comune_code,
        residence_ausl_code,
        assistance_ausl_code,
        status_code,
        status_on,
        death_on
    from registered
    union all
    select
        person.person_key,
        'flow',
        date '1900-01-01',
        date '9999-12-31',
        null,
        false,
        said.sex_code,
        null,
        said.birth_year,
        said.citizenship_code,
        said.residence_comune_code,
        null,
        null,
        null,
        null,
        null
    from (
        select
            identity.person_key,
            array_agg(identity.person_ref) as person_refs
        from identity
        left join registered
            on identity.person_key = registered.person_key
        where registered.person_key is null
        group by identity.person_key
    ) as person
    -- Looked up person by person: few are in no registry, and the planner would read what is said of all.
    left join lateral (
        select
            said.sex_code,
            said.birth_year,
            said.citizenship_code,
            said.residence_comune_code
        from {{ ref('int_person__said') }} as said
        where said.person_ref = any(person.person_refs)
        order by said.said_on desc, said.flow_code desc, said.record_id desc, said.place_number desc, said.sender_code
        limit 1
    ) as said on true
    {% if not is_incremental() %}
        union all
        select
            member_key, 'special', date '1900-01-01', date '9999-12-31', null, false,
            null, null, null, null, null, null, null, null, null, null
        from (values (-1::bigint), (-2::bigint), (-3::bigint)) as special (member_key)
    {% endif %}
)

select
    case
        when version.person_key < 0 then version.person_key
        else {{ surrogate_key('person', ['version.person_key', 'version.valid_from']) }}
    end as person_version_key,
    version.person_key,
    version.person_source,
    version.valid_from,
    version.valid_to,
    version.valid_to = date '9999-12-31' as is_current,
    version.registered_from,
    version.is_registered,
    coalesce(version.sex_code, '-1') as sex_code,
    version.birth_month_on,
    version.birth_year,
    coalesce(version.citizenship_code, '998') as citizenship_code,
    coalesce(version.residence_comune_code, '999999') as residence_comune_code,
    coalesce(territory.district_code, '-1') as district_code,
    coalesce(territory.ausl_code, '-1') as ausl_code,
    coalesce(version.residence_ausl_code, '-1') as residence_ausl_code,
    coalesce(version.assistance_ausl_code, '-1') as assistance_ausl_code,
    coalesce(version.status_code, '-1') as status_code,
    version.status_on,
    version.death_on
from version
-- The place in the hierarchy on the version's last day, or today's; of a comune that is no more, its last.
left join (
    select
        comune_code,
        district_code,
        ausl_code,
        valid_from,
        lead(valid_from - 1, 1, date '9999-12-31') over (partition by comune_code order by valid_from) as valid_to
    from {{ ref('territory') }}
) as territory
    on
        version.residence_comune_code = territory.comune_code
        and version.valid_to between territory.valid_from and territory.valid_to
