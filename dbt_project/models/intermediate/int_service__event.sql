-- depends_on: {{ ref('int_service__touched') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_service__touched', 'columns': ['episode_key']}},
    indexes=[{'columns': ['person_key']}, {'columns': ['episode_key']}]
) }}
-- One row per event of an episode of a service whose person is identified. Kept, so that the events of a person are found by her key.
-- What an office opens or closes, as when an AUSL becomes part of another, neither begins nor ends. The first access that anybody told
-- of is the start of home care only where those before it would have been told too.
with episode as (
    select *
    from {{ ref('int_service__episode') }}
    where person_key > 0
),

event as (
    select
        episode_key,
        'report' as event_type_code,
        begun_on as event_on
    from episode
    where service_family_code = 'SISAM'
    union all
    select
        episode_key,
        'taking_in_charge',
        charged_on
    from episode
    where not has_administrative_start
    union all
    select
        episode_key,
        'service_start',
        started_on
    from episode
    where
        not has_administrative_start
        and (service_family_code <> 'ADI' or begun_on >= observed_from)
    union all
    select
        episode_key,
        'service_end',
        ended_on
    from episode
    where not has_administrative_end
    union all
    select
        episode_key,
        'assessment',
        assessed_on
    from {{ ref('int_service__assessment') }}
    union all
    select
        episode_key,
        'change',
        changed_on
    from {{ ref('int_service__change') }}
    union all
    select
        episode.episode_key,
        'suspension',
        lower(part.days)
    from {{ ref('int_service__episode') }} as episode
    cross join lateral unnest(episode.stayed - episode.in_charge) as part (days)
)

select distinct
    {{ surrogate_key('service_event', ['event.episode_key', 'event.event_type_code', 'event.event_on']) }} as event_key,
    event.episode_key,
    episode.person_key,
    event.event_on,
    event.event_type_code,
    episode.service_family_code,
    episode.service_key,
    case when event.event_type_code = 'service_end' then episode.end_reason_key else -3 end as end_reason_key,
    episode.applicant_type_code,
    episode.district_code,
    coalesce(ausl_then.ausl_code, '-1') as ausl_code,
    episode.sender_code
from event
inner join episode
    on event.episode_key = episode.episode_key
{{ ausl_on('episode', 'event.event_on') }}
where event.event_on is not null
