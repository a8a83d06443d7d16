#!/usr/bin/perl
# Cuts of power: a gateway starts on an empty folder, takes mail, delivers it over SMTP and to a Maildir, bounces, holds,
# releases, learns, and stops, while each change of its files is written down (Poterne::PowerCut). Then the power goes
# off at many moments of that run, and each time the folder is built in several of the ways in which a disk may have it
# afterwards. Each message that 250 was said to before the cut is there, whole: owed, held, in its Maildir, told of by a
# bounce, or the next hop had it before. What is not in the spool any more has its outcome in the journal, and what was
# learned is known. A small program looks at each (t/fault/state_check.c); on some of them a gateway starts, and all
# comes to its end.
#
# ./check looks at some states, POTERNE_TEST_ALL=1 at 1000, POTERNE_STATES=N at as many. POTERNE_SEED=N: the same
# choices, of another run.
use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use Poterne::Crowd;
use Poterne::Gateway;
use Poterne::Inject;
use Poterne::Mail qw(eicar letter);
use Poterne::PowerCut;
use Poterne::Process qw(command_answer wait_until);
use Poterne::Tree qw(slurp);
use Poterne::Witness qw(body_digest number_of);

plan skip_all => Poterne::Inject::missing() if Poterne::Inject::missing();

my $build = $ENV{POTERNE_BUILD} // 'build';
my $states = $ENV{POTERNE_STATES} // ( $ENV{POTERNE_TEST_ALL} ? 1000 : 40 );
my $starts = $ENV{POTERNE_STARTS} // ( $ENV{POTERNE_TEST_ALL} ? 25 : 1 );
my $seed = $ENV{POTERNE_SEED} // int( time * 1000 ) % 1_000_000_000;
diag("POTERNE_SEED=$seed: $states states");
use constant { WAYS => 5, SESSIONS => 3, EACH => 10, LESSONS => 3 };    # WAYS: states of one cut

my $root = tempdir( 'poterne-cut-XXXXXX', TMPDIR => 1, CLEANUP => !$ENV{POTERNE_KEEP} );
chmod 0755, $root;
my $witness = Poterne::Witness->start( root => "$root/witness" );

sub gateway_in {
    my ( $folder, @more ) = @_;
    my $domain = sub { { next_hop => $_[0], recipients => [ $_[1] ] } };
    return Poterne::Gateway->new(
        root     => $folder,
        settings => {
            queue  => { retry_first => '1s', retry_max => '1s' },
            gate   => { inside => '{ 127.0.0.0/8 }' },
            limits => { freeze_bounces => 0 },
            bayes  => { campaign_share => 0 },
        },
        domains => {
            'box.example'  => $domain->( Poterne::Gateway::maildir_hop($folder),    '@box.example' ),
            'next.example' => $domain->( "smtp://127.0.0.1:$witness->{port}", '@next.example' ),
        },
        @more
    );
}

# --- a run that is written down ---

my @to = ( 'jean@next.example', 'jean@box.example', 'held@next.example', 'never@next.example', 'marie@next.example' );

sub mail {
    my ( $number, $n ) = @_;
    my $to = $to[ $n % @to ];
    my $body = join '', map { "$_ of number $number, " . rand() . "\n" } 1 .. 10 + rand 300;
    my $message = $to =~ /^held/ ? eicar($to) : letter( $to, "Number $number", $body );
    return ( 'anne@box.example', $to, \$message );
}

my $run = "$root/run";
make_path($run);
chmod 0755, $run;
my $gateway = gateway_in( $run, under => [ Poterne::PowerCut::recorder("$root/log") ] )->start;
my $begun = time;
my $said = Poterne::Crowd->start( port => $gateway->{port}, folder => "$root/said", sessions => SESSIONS, count => EACH, name => 'm', make => \&mail )->wait;
my @learned;    # when the answer was there
for my $n ( 1 .. LESSONS ) {
    Poterne::Gateway::write_file( "$root/lesson$n", letter( 'lesson@box.example', "Lesson $n", "The lesson number $n of " . rand() . "\n" x 20 ) );
    my ($answer) = $gateway->poterne_json( 'learn', '--ham', "$root/lesson$n" );
    push @learned, time if ( $answer->{done} // 0 ) == 1;
}
is( scalar @learned, LESSONS, 'lessons are learned' );
my @held = $gateway->spooled('quarantine');
my @free = splice @held, 0, @held / 2;
$gateway->poterne( 'quarantine', 'release', '--force', '--no-scan', @free );
ok( $gateway->wait_for_empty_queue(60), 'the queue gets empty' );
is( $gateway->stop, 0, 'the gateway ends well' );
ok( wait_until( 20, sub { ( stat "$root/log" )[9] < time - 1 } ), 'and so does who writes it down' );

my %number_of;    # id => number
for my $number ( keys %$said ) {
    my ($id) = $said->{$number}{text} =~ /\b([0-9A-Z]{26})\b/ or next;
    $number_of{$id} = $number if $said->{$number}{code} == 250;
}
is( scalar keys %number_of, SESSIONS * EACH, 'each message was taken' );
my $log = Poterne::PowerCut->read( "$root/log", "$run/state", "$run/mail" );
note( sprintf 'a run of %.0f s: %d lines, %d calls on files', time - $begun, $log->{lines}, scalar @{ $log->{steps} } );

# When edge began to say 250 for an id: its line in the log.
my %acknowledged;
for my $call ( @{ $log->{said} } ) {
    my ($id) = ( $call->{bytes} // '' ) =~ /^250 2\.0\.0 Accepted as ([0-9A-Z]{26})/m or next;
    $acknowledged{$id} //= $call->{at};
}
is( scalar( grep { !$acknowledged{$_} } keys %number_of ), 0, 'and each 250 stands in the log' );
my @differ = grep { !m{/state/gate/} } $log->compare;    # its tables are mapped
is( "@differ", '', 'the log accounts for each byte of each file' );

# --- what must be there at a moment ---

sub box {
    my ( $folder, $user ) = @_;
    my %came;
    for my $path ( glob "$folder/mail/box.example/$user/new/*" ) {
        my $text = slurp($path);
        push @{ $came{ number_of( \$text ) // $path } }, \$text;
    }
    return \%came;
}

# What a start finds there: { what => … }.
sub look {
    my ($folder) = @_;
    my ( $status, $output ) = command_answer( "$build/t/fault/state_check", "$folder/state" );
    my %found = ( bad => $status ? ["state_check ended with $status"] : [], spool => {}, outcome => {}, learned => 0 );
    for ( split /\n/, $output ) {
        if    (/^(queue|quarantine) (\S+)/)  { $found{spool}{$2} = $1 }
        elsif (/^outcome (\S+) (.*)/)        { $found{outcome}{$1} = $2 }
        elsif (/^learned (\d+)/)             { $found{learned} = $1 }
        else                                 { push @{ $found{bad} }, $_ }
    }
    return \%found;
}

# Numbers of messages that bounces in the queue tell of.
sub bounces_owed {
    my ( $folder, $found ) = @_;
    my %owed;
    for my $id ( grep { !$number_of{$_} } keys %{ $found->{spool} } ) {
        my $text = slurp("$folder/state/$found->{spool}{$id}/$id");
        my $number = number_of( \$text ) // next;
        $owed{$number} = 1;
    }
    return \%owed;
}

my $settled = qr/^(?:[2567](?: |$))+$/;    # DELIVERED, DELETED, FAILED, REDIRECTED

# What is wrong with a state, in words. `until`: what the next hop had by then counts; where it is not said, by the cut.
sub wrong_with {
    my ( $folder, $position, $kept, $until ) = @_;
    my $time = time_at($position) // $begun;
    $until //= $time;
    my $found = look($folder);
    my @wrong = @{ $found->{bad} };
    my ( $jean, $anne, $owed ) = ( box( $folder, 'jean' ), box( $folder, 'anne' ), bounces_owed( $folder, $found ) );
    push @wrong, map { "no whole mail: $_" } grep { m{/} } keys %$jean, keys %$anne;
    for my $id ( grep { $acknowledged{$_} < $position } keys %number_of ) {
        next if $found->{spool}{$id};
        my $number = $number_of{$id};
        my ( $to, $digest ) = @{ $said->{$number} }{qw(to digest)};
        my $came =
              $to =~ /^never/ ? $anne->{$number} || $owed->{$number}
            : $to =~ /\@box/  ? grep { body_digest($_) eq $digest } @{ $jean->{$number} // [] }
            :                   grep { $_->{time} <= $until && $_->{digest} eq $digest } @{ $kept->{$number} // [] };
        push @wrong, "lost: $number, $id to $to" if !$came;
        push @wrong, "no outcome in the journal: $number, $id to $to: " . ( $found->{outcome}{$id} // '-' )
            if ( $found->{outcome}{$id} // '' ) !~ $settled;
    }
    for my $texts ( map { $jean->{$_} } grep { $said->{$_} } keys %$jean ) {
        push @wrong, map { 'cut short: ' . number_of($_) } grep { body_digest($_) ne $said->{ number_of($_) }{digest} } @$texts;
    }
    my $lessons = grep { $_ < $time } @learned;
    push @wrong, "$found->{learned} of $lessons lessons are known" if $found->{learned} < $lessons;
    return @wrong;
}

# --- moments: just behind a 250, around changes of names and syncs, and any ---

srand $seed;

sub moments {
    my ($n) = @_;
    my @near = ( map { $_ + 1 } values %acknowledged ), map { $_->[0] + 1, $_->[0] - 1 } grep { $_->[1]{name} !~ /write|seek/ } @{ $log->{steps} };
    my %chosen;
    my $tries = 0;
    $chosen{ rand() < 0.5 ? $near[ rand @near ] : 1 + int rand $log->{lines} } = 1 while keys %chosen < $n && $tries++ < 100 * $n;
    return [ sort { $a <=> $b } keys %chosen ];
}

sub time_at {
    my ($position) = @_;
    my ($time) = map { $log->{times}{$_} } grep { $log->{times}{$_} } reverse 1 .. $position;
    return $time;
}

# What audit finds that is none of what a cut of power does: where the hop has said 250, and the word of that is not on
# the disk, the message, or what is told of it, goes out once more.
sub findings {
    my ($again) = @_;
    my @lines = $again->poterne_json('audit');
    return 'the audit could not be done' if !@lines;
    return map { join ' ', @$_{qw(finding id found)} } grep { defined $_->{finding} && $_->{finding} !~ /^(?:told_)?twice$/ } @lines;
}

# A gateway starts on it, and brings everything to its end.
sub wrong_after_start {
    my ( $folder, $position ) = @_;
    my $again = gateway_in($folder);
    eval { $again->start } or return "it does not start: $@";
    my @wrong;
    wait_until( 60, sub { my @held = $again->spooled('quarantine'); $again->poterne( 'quarantine', 'release', '--force', '--no-scan', @held ) if @held; !@held } )
        or push @wrong, 'what is held can not be released';
    $again->wait_for_empty_queue(90) or push @wrong, 'the queue does not get empty';
    push @wrong, findings($again);
    my $ended = $again->stop;
    push @wrong, 'it does not end well' if !defined $ended || $ended != 0;
    return ( @wrong, wrong_with( $folder, $position, $witness->kept, time ) );
}

my ( $looked, $failed, $started ) = ( 0, 0, 0 );
my $kept = $witness->kept;
my $moments = moments( $states / WAYS );
my %start_at = map { $moments->[ ( $_ + 0.5 ) * @$moments / $starts ] => 1 } 0 .. $starts - 1;
my $told = time;
$log->each_cut(
    $moments,
    sub {
        my ( $position, $cut ) = @_;
        for my $share ( 0, 1, map { rand } 3 .. WAYS ) {
            my $folder = "$root/cut";
            remove_tree($folder);
            make_path($folder);
            chmod 0755, $folder;
            my $real = $share == 0 && $start_at{$position};    # what is certain alone is the hardest
            $cut->build( $run, $folder, $share );
            my @wrong = $real ? wrong_after_start( $folder, $position ) : wrong_with( $folder, $position, $kept );
            $started += !!$real;
            $looked++;
            next if !@wrong;
            diag( sprintf "cut at line %d, %.2f of what is not certain%s:", $position, $share, $real ? ', started' : '' );
            diag("  $_") for @wrong[ 0 .. ( @wrong < 8 ? $#wrong : 7 ) ];
            rename $folder, "$root/failed." . ++$failed;
        }
        if ( time - $told > 30 ) {
            diag("$looked of $states states, $failed of them wrong");
            $told = time;
        }
        return;
    }
);
cmp_ok( $looked, '>=', $states * 0.9, "$looked states of " . scalar(@$moments) . " moments were looked at, $started with a gateway" );
is( $failed, 0, "nothing is lost, cut short or forgotten in any; seed $seed" );
$witness->stop;
done_testing();
