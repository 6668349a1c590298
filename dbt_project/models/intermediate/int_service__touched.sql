{{ config(materialized='table', indexes=[{'columns': ['episode_key'], 'unique': true}]) }}
-- One row per episode whose facts this build writes again, from a day on: see docs/decisions/0009.
with registered as (
    -- Everything is touched in a first build anyway, and then this join would be the dearest step of it.
    select
        identity.person_ref,
        touched.changed_on
    from {{ ref('int_person__touched') }} as touched
    inner join {{ source('raw', 'identity__person') }} as identity
        on touched.person_key = identity.person_key
    where
        {{ from_delivery_id() }} > 0
        and touched.changed_on < date '9999-12-31'
),

touched as (
    select
        service_family_code,
        sender_code,
        episode_id,
        touched_from
    from {{ ref('int_service__touched_record') }}
    -- An episode of which nothing was delivered from that day on looks up no later version of its person.
    {% for family, table, key, day, period, parts in [
        ('FAR', 'far1__admission', 'admission_id', 'admission_on', 'quarter', 'far2__period'),
        ('ADI', 'adi1__taking_in_charge', 'care_id', 'started_on', 'month', 'adi2__care')
    ] %}
        {% set length = '3 months' if period == 'quarter' else '1 month' %}
        union all
        select
            '{{ family }}',
            record.sender_code,
            record.{{ key }},
            registered.changed_on
        from registered
        inner join {{ source('raw', table) }} as record
            on registered.person_ref = record.person_ref
        where
            date_trunc('{{ period }}', record.{{ day }}) + interval '{{ length }}' > registered.changed_on
            or exists (
                select 1
                from {{ source('raw', parts) }} as part
                where
                    record.sender_code = part.sender_code
                    and record.{{ key }} = part.{{ key }}
                    and part.period_start_on + interval '{{ length }}' > registered.changed_on
            )
    {% endfor %}
    union all
    select
        'SMAC',
        record.sender_code,
        record.contract_id,
        registered.changed_on
    from registered
    inner join {{ source('raw', 'smac__contract') }} as record
        on registered.person_ref = record.person_ref
    where record.period_start_on + interval '6 months' > registered.changed_on
    union all
    select
        'SISAM',
        record.sender_code,
        record.case_id,
        registered.changed_on
    from registered
    inner join {{ source('raw', 'sisam__case') }} as record
        on registered.person_ref = record.person_ref
    where
        record.closed_on is null
        or record.closed_on >= registered.changed_on
)

select
    {{ surrogate_key('episode', ['service_family_code', 'sender_code', 'episode_id']) }} as episode_key,
    service_family_code,
    sender_code,
    episode_id,
    min(touched_from) as touched_from
from touched
group by service_family_code, sender_code, episode_id
