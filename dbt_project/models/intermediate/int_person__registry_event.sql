-- One row per move inside the region, departure from it or death that the versions of a person tell.
with version as (
    select
        person_key,
        valid_from,
        is_registered,
        status_code,
        status_on,
        death_on,
        residence_comune_code,
        district_code,
        lag(is_registered) over (partition by person_key order by valid_from) as was_registered,
        lag(status_code) over (partition by person_key order by valid_from) as status_code_before,
        lag(residence_comune_code) over (partition by person_key order by valid_from) as residence_comune_code_before
    from {{ ref('dim_person') }}
    where
        person_source = 'registry'
        and person_key in (
            select touched.person_key
            from {{ ref('int_person__touched_event') }} as touched
        )
),

death as (
    select
        person_key,
        min(coalesce(death_on, status_on, valid_from)) as event_on
    from version
    where
        death_on is not null
        or status_code = 'D'
    group by person_key
),

last_place as (
    select distinct on (version.person_key)
        version.person_key,
        'death' as event_type_code,
        death.event_on,
        version.district_code
    from death
    inner join version
        on death.person_key = version.person_key
    order by version.person_key, version.valid_from desc
),

event as (
    select
        person_key,
        event_type_code,
        event_on,
        district_code
    from last_place
    union all
    select
        version.person_key,
        'departure',
        case when version.status_code = 'T' then coalesce(version.status_on, version.valid_from) else version.valid_from end,
        version.district_code
    from version
    left join death
        on version.person_key = death.person_key
    where
        death.person_key is null
        and (
            (version.status_code = 'T' and version.status_code_before is distinct from 'T')
            or (not version.is_registered and version.was_registered and version.status_code <> 'T')
        )
    union all
    select
        person_key,
        'move',
        valid_from,
        district_code
    from version
    where
        residence_comune_code <> residence_comune_code_before
        and is_registered
)

select
    event.person_key,
    event.event_type_code,
    event.event_on,
    event.district_code,
    coalesce(ausl.ausl_code, '-1') as ausl_code
from event
left join {{ ref('int_territory__ausl') }} as ausl
    on
        event.district_code = ausl.territory_code
        and event.event_on between ausl.valid_from and ausl.valid_to
