{{ config(materialized='table') }}
-- One row per person and year of whom it may have changed what she is at the end of a period (fct_person_year), on days that this build
-- does not write again too: of whom more than one thing was ever said, by the registry, or by the records of her identities of now and
-- before.
with person as (
    select
        person_key,
        changed_on
    from {{ ref('int_person__touched') }}
    union all
    -- Of registered persons too a demand says what the registry does not.
    select
        identity.person_key,
        date '9999-12-31'
    from {{ ref('int_iass__touched_contact') }} as contact
    inner join {{ source('raw', 'iass__demand') }} as demand
        on
            contact.delivery_id = demand.delivery_id
            and contact.record_number = demand.record_number
    inner join {{ source('raw', 'identity__person') }} as identity
        on demand.person_ref = identity.person_ref
    where
        exists (
            select 1
            from {{ source('raw', 'identity__person') }} as presented
            inner join {{ source('raw', 'naar__person') }} as change
                on presented.person_ref = change.person_ref
            where
                identity.person_key = presented.person_key
                and change.change_type <> 'close'
                and (change.sex_code is null or change.birth_month_on is null or coalesce(change.citizenship_code, '998') in ('888', '998'))
        )
),

reference as (
    select
        touched.person_key,
        touched.changed_on,
        presented.person_ref
    from (
        select
            person.person_key,
            min(person.changed_on) as changed_on
        from person
        -- Everything is touched in a first build anyway.
        where {{ from_delivery_id() }} > 0
        group by person.person_key
    ) as touched
    cross join
        lateral (
            select identity.person_ref
            from {{ source('raw', 'identity__person') }} as identity
            where touched.person_key = identity.person_key
            union
            select relink.person_ref
            from {{ source('raw', 'identity__relink') }} as relink
            where touched.person_key = relink.old_person_key
        ) as presented
),

-- Looked up one by one: the planner would read what is said of all.
said as (
    select
        reference.person_key,
        reference.changed_on,
        word.*
    from reference
    cross join
        lateral (
            select *
            from (
                select
                    contact.contact_on,
                    demand.sex_code,
                    demand.birth_year,
                    demand.citizenship_code,
                    demand.age_years,
                    cast(null as date) as birth_month_on
                from {{ source('raw', 'iass__demand') }} as demand
                inner join {{ source('raw', 'iass__contact') }} as contact
                    on
                        demand.delivery_id = contact.delivery_id
                        and demand.record_number = contact.record_number
                where reference.person_ref = demand.person_ref
                union all
                select
                    null,
                    change.sex_code,
                    cast(extract(year from change.birth_month_on) as smallint),
                    change.citizenship_code,
                    null,
                    change.birth_month_on
                from {{ source('raw', 'naar__person') }} as change
                where reference.person_ref = change.person_ref
            ) as every
            offset 0
        ) as word
),

differently as (
    select person_key
    from said
    group by person_key
    having
        count(distinct row(sex_code, birth_year, citizenship_code)) > 1
        or count(distinct birth_month_on) > 1
        -- The registry's birth tells the age of any day. Without it the last age that was said counts.
        or (count(birth_month_on) = 0 and count(distinct age_years) > 1)
)

select distinct
    said.person_key,
    cast(extract(year from said.contact_on) as integer) as year_number
from said
inner join differently
    on said.person_key = differently.person_key
where
    extract(year from said.contact_on) >= extract(year from said.changed_on)
    or extract(year from said.contact_on) in (
        select extract(year from touched.month_on)
        from {{ ref('int_iass__touched_month') }} as touched
    )
